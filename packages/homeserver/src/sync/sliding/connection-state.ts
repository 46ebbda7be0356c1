import { rulesKey, type StatePairs } from './state-selection.ts';

/** The part of a room that a client has been sent. */
export interface SentRoom {
  /** Everything up to this position; `undefined`: as far as the client has everything else. */
  readonly upTo: number | undefined;
  /** The number of latest events that it was sent, as long as nothing was left out since. */
  readonly limit: number;
  /** The state that it was sent and kept up to date with. */
  readonly state: readonly StatePairs[];
}

/** The state of a client after an answer. Never changed: the next answer makes a new one. */
export interface ConnectionState {
  /** Names the state in `pos`. */
  readonly id: string;
  readonly rooms: ReadonlyMap<number, SentRoom>;
  /** The extensions that were on: one that is switched on later has to tell what it has not told. */
  readonly extensions: readonly string[];
}

interface Stored {
  readonly extensions: readonly string[];
  /** Room configurations are few and rooms many: each is told once. */
  readonly states: (readonly StatePairs[])[];
  readonly rooms: [room: number, upTo: number | null, limit: number, state: number][];
}

/** A state as JSON text. */
export function encodeState({ rooms, extensions }: ConnectionState): string {
  const states: (readonly StatePairs[])[] = [];
  const indexes = new Map<string, number>();
  const stored: Stored['rooms'] = [];
  for (const [room, { upTo, limit, state }] of rooms) {
    const key = rulesKey(state);
    const index = indexes.get(key) ?? states.push(state) - 1;
    indexes.set(key, index);
    stored.push([room, upTo ?? null, limit, index]);
  }
  return JSON.stringify({ extensions, states, rooms: stored } satisfies Stored);
}

/** The opposite of {@link encodeState}. */
export function decodeState(id: string, text: string): ConnectionState {
  const { extensions, states, rooms } = JSON.parse(text) as Stored;
  return {
    id,
    extensions,
    rooms: new Map(
      rooms.map(([room, upTo, limit, index]) => [room, { upTo: upTo ?? undefined, limit, state: states[index] ?? [] }]),
    ),
  };
}
