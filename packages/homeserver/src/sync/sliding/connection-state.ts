import { rulesKey, type StatePairs } from './state-selection.ts';

/** The part of a room that a client has received. */
export interface SentRoom {
  /** The position up to which the client has the room; `undefined`: the same as for the whole connection. */
  readonly upTo: number | undefined;
  /** The largest timeline limit with which the room was sent since events were last left out. */
  readonly limit: number;
  /** The `required_state` by which the state was sent and updated. */
  readonly state: readonly StatePairs[];
}

/** The state of a client after an answer. It is immutable: the next answer creates a new one. */
export interface ConnectionState {
  /** The name of the state in `pos`. */
  readonly id: string;
  readonly rooms: ReadonlyMap<number, SentRoom>;
  /** The extensions that were enabled. An extension that is enabled later sends everything that it has not sent. */
  readonly extensions: readonly string[];
}

interface Stored {
  readonly extensions: readonly string[];
  /** The distinct configurations of rooms, which are few; rooms refer to them by index. */
  readonly states: (readonly StatePairs[])[];
  readonly rooms: [room: number, upTo: number | null, limit: number, state: number][];
}

/** Renders a state as JSON text. */
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

/** Parses the text of {@link encodeState}. */
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
