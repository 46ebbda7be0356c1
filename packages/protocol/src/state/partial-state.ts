/** A state that is being resolved: what was decided so far, over what was settled before. */
export interface PartialState {
  get(key: string): string | undefined;
  set(key: string, eventId: string): void;
  /** What was decided, without what was there before. */
  readonly decided: ReadonlyMap<string, string>;
}

/** A partial state over a settled one, which is only read. */
export function partialState(settled: { get(key: string): string | undefined }): PartialState {
  const decided = new Map<string, string>();
  return {
    get: (key) => decided.get(key) ?? settled.get(key),
    set: (key, eventId) => void decided.set(key, eventId),
    decided,
  };
}
