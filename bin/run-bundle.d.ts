export function runBundle(file: string, keptFile: string): () => void;
