/** A state during resolution: the decided entries on top of the settled state. */
export interface PartialState {
  get(key: string): string | undefined;
  set(key: string, eventId: string): void;
  /** The decided entries without the settled state. */
  readonly decided: ReadonlyMap<string, string>;
}

/** Creates a partial state on top of a settled state, which is not changed. */
export function partialState(settled: { get(key: string): string | undefined }): PartialState {
  const decided = new Map<string, string>();
  return {
    get: (key) => decided.get(key) ?? settled.get(key),
    set: (key, eventId) => void decided.set(key, eventId),
    decided,
  };
}
