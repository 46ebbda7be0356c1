/** A received content that is not in the store yet. */
export interface Received {
  /** Its address, see `content-hash.ts`. */
  readonly hash: string;
  readonly length: number;
  /** All of it, if it was little; otherwise it is in the file. */
  readonly chunks: readonly Buffer[];
  readonly file: ReceivedFile | undefined;
}

/** A file that is written to its end, and still open. */
export interface ReceivedFile {
  readonly path: string;
  readonly descriptor: number;
}

export interface StoredBlob {
  readonly hash: string;
  /** Returns its length and age; `undefined` when it is gone. */
  readonly describe: () => Promise<BlobStatus | undefined>;
}

export interface BlobStatus {
  readonly length: number;
  /** When it was put there, in milliseconds since 1970. */
  readonly ts: number;
}

/** Reads bytes from a beginning to an end; what `next` gives keeps its value until the next call. */
export interface BlobReader {
  next(): Promise<Buffer | undefined>;
  close(): void;
}

/** The content is not in the store. */
export class BlobMissing extends Error {
  constructor(hash: string) {
    super(`the media store has no content ${hash}`);
  }
}

/** Where contents lie: each once, under its address in hex, and never changed. */
export interface BlobStore {
  /** Stores a content for good: it survives even a machine that stops at once. An existing content is written again. */
  keep(received: Received): Promise<void>;
  /** Opens the bytes from `from` up to, but not including, `to`. @throws BlobMissing */
  open(hash: string, from: number, to: number): Promise<BlobReader>;
  /** The file that holds a content, where there is one. */
  path(hash: string): string | undefined;
  /** A missing content is no error. */
  remove(hash: string): Promise<void>;
  /** Everything that is there, in batches of a bounded size. */
  list(): AsyncIterable<readonly StoredBlob[]>;
  close(): void;
}

/** All bytes of a content, or of its beginning. @throws BlobMissing */
export async function readBlob(store: BlobStore, hash: string, length: number): Promise<Buffer> {
  const reader = await store.open(hash, 0, length);
  const chunks: Buffer[] = [];
  try {
    for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
      chunks.push(Buffer.from(chunk));
    }
  } finally {
    reader.close();
  }
  return Buffer.concat(chunks);
}
