import { eventIdOfStored, type Standing, StoredEvent } from './stored-event.ts';

/** The columns of {@link EventRow}, for a query of `events e JOIN rooms r`. */
export const EVENT_COLUMNS =
  'e.num, e.id, e.room, e.seq, e.type, e.sender, e.state_key, e.ts, e.depth, e.standing, e.snapshot, e.graph_snapshot, e.snapshot_after, e.replaces, e.redacted_by, e.content, e.extra, r.version';

/** A row of an event, without its proof. */
export interface EventRow {
  num: number;
  id: Uint8Array;
  room: number;
  seq: number | null;
  type: number;
  sender: number;
  state_key: number | null;
  ts: number;
  depth: number;
  standing: Standing;
  snapshot: number;
  graph_snapshot: number | null;
  snapshot_after: number | null;
  replaces: number | null;
  redacted_by: number | null;
  content: string;
  extra: string | null;
  version: string;
}

/** Returns the event of a row. `texts` are the strings of all numbers in it. */
export function toEvent(row: EventRow, texts: ReadonlyMap<number, string>): StoredEvent {
  const fields = {
    num: row.num,
    eventId: eventIdOfStored(row.id, row.version),
    room: row.room,
    roomId: named(texts, row.room),
    seq: row.seq,
    typeNum: row.type,
    type: named(texts, row.type),
    senderNum: row.sender,
    sender: named(texts, row.sender),
    stateKeyNum: row.state_key,
    stateKey: row.state_key === null ? undefined : named(texts, row.state_key),
    ts: row.ts,
    depth: row.depth,
    standing: row.standing,
    snapshot: row.snapshot,
    graphSnapshot: row.graph_snapshot,
    after: row.snapshot_after,
    replaces: row.replaces,
    extra: row.extra,
  };
  return new StoredEvent(fields, row.content, row.redacted_by);
}

function named(texts: ReadonlyMap<number, string>, num: number): string {
  const text = texts.get(num);
  if (text === undefined) throw new Error(`no name has the number ${num}`);
  return text;
}
