import { eventIdBytes } from '@hearth/protocol/events/hash.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { cacheBytes } from '../../../platform/caches/cache-size.ts';
import { LruMap } from '../../../platform/caches/lru.ts';
import type { Aggregations } from './aggregations.ts';

/** The standing of an event. Only accepted events are in the timeline of their room. */
export const STANDING = { accepted: 0, softFailed: 1, rejected: 2, outlier: 3 } as const;
export type Standing = (typeof STANDING)[keyof typeof STANDING];

/** The member of an event that makes it sticky (MSC4354). */
export const STICKY = 'msc4354_sticky';

/** Marks a join by which this server came into a room, in `extra`. It is not a member of the event. */
export const ENTRY = 'hearth.entry';

/** Marks an invite, knock or its end that another server has sent from a room in which this server is not, in `extra`. */
export const OUTSIDE = 'hearth.outside';

/** Marks an event before which events are missing in the timeline, in `extra`. It is not a member of the event. */
export const GAP = 'hearth.gap';

/**
 * The maximum length of a content that stays parsed. A content of many small objects takes thirty times the memory of
 * its text.
 */
const KEPT_PARSED_MAX = 512;

/** A long content that was recently parsed. */
interface Parsed {
  readonly content: JsonObject;
  /** The length of its text. */
  readonly length: number;
}

/**
 * The cache of long parsed contents. A `WeakRef` would not limit their memory, because it keeps its target until the
 * end of the turn of the event loop, and one turn may parse thousands of contents.
 */
const parsedLately = new LruMap<StoredEvent, Parsed>(10_000, {
  bytesMax: cacheBytes(64),
  bytesOf: ({ length }) => 100 + 30 * length,
});

/** An event in memory. Its content is parsed on first use. */
export class StoredEvent {
  /** The position of the event in the server's stream, which is unique. */
  readonly num: number;
  readonly eventId: string;
  readonly room: number;
  readonly roomId: string;
  /**
   * The sequence number of the event in the room's timeline, counted from 1; 0 and less for events
   * from before this server joined; `null` for events that are not shown.
   */
  readonly seq: number | null;
  readonly typeNum: number;
  readonly type: string;
  readonly senderNum: number;
  readonly sender: string;
  /** `null` and `undefined` for events that are not state. */
  readonly stateKeyNum: number | null;
  readonly stateKey: string | undefined;
  /** `origin_server_ts`, in milliseconds. */
  readonly ts: number;
  readonly depth: number;
  readonly standing: Standing;
  /** The snapshot of the room's state before this event; for an event outside the timeline that of `graphSnapshot`. */
  readonly snapshot: number;
  /**
   * The snapshot of the state before this event according to its `prev_events`; `null` if it is `snapshot`. Both differ
   * for an event of another server that does not follow all forward extremities.
   */
  readonly graphSnapshot: number | null;
  /** The snapshot of the room's state after this event; `null` if it follows from `snapshot` and the event. */
  readonly after: number | null;
  /** The state event that this one replaces. */
  readonly replaces: number | null;
  /** JSON text of the members that have no column, such as `redacts`. */
  readonly extra: string | null;
  /** The content as JSON text, redacted if the event was. */
  readonly contentText: string;
  /** The number of the redaction of the event. */
  readonly redactedBy: number | null;
  /** The client form of the event without `unsigned`; set when the event is first rendered. */
  clientText: string | undefined;
  /** The device and transaction id that sent the event; `null`: none, `undefined`: not loaded yet. */
  transaction: { readonly device: number; readonly txn: string } | null | undefined;
  /**
   * The aggregation of related events; `null`: there are none, `undefined`: not computed yet, see `aggregation-
   * store.ts`.
   */
  aggregations: Aggregations | null | undefined;
  #content: JsonObject | undefined;

  constructor(fields: EventFields, contentText: string, redactedBy: number | null, content?: JsonObject) {
    if (content !== undefined) this.#keepParsed(content, contentText.length);
    this.num = fields.num;
    this.eventId = fields.eventId;
    this.room = fields.room;
    this.roomId = fields.roomId;
    this.seq = fields.seq;
    this.typeNum = fields.typeNum;
    this.type = fields.type;
    this.senderNum = fields.senderNum;
    this.sender = fields.sender;
    this.stateKeyNum = fields.stateKeyNum;
    this.stateKey = fields.stateKey;
    this.ts = fields.ts;
    this.depth = fields.depth;
    this.standing = fields.standing;
    this.snapshot = fields.snapshot;
    this.graphSnapshot = fields.graphSnapshot;
    this.after = fields.after;
    this.replaces = fields.replaces;
    this.extra = fields.extra;
    this.contentText = contentText;
    this.redactedBy = redactedBy;
  }

  /** The parsed content. It is shared and must not be changed. */
  get content(): JsonObject {
    const known = this.#content ?? parsedLately.get(this)?.content;
    if (known !== undefined) return known;
    const content = JSON.parse(this.contentText) as JsonObject;
    this.#keepParsed(content, this.contentText.length);
    return content;
  }

  #keepParsed(content: JsonObject, length: number): void {
    if (length > KEPT_PARSED_MAX) parsedLately.set(this, { content, length });
    else this.#content = content;
  }

  get isState(): boolean {
    return this.stateKeyNum !== null;
  }

  /**
   * The id of the redacted event if this event is a redaction. It is beside the content, and since room version 11 in
   * it (rooms/v11, "Moving the redacts property of m.room.redaction events to a content property").
   */
  get redacts(): string | undefined {
    if (this.type !== 'm.room.redaction') return undefined;
    const { redacts = this.content.redacts } = JSON.parse(this.extra ?? '{}') as { redacts?: unknown };
    return asString(redacts);
  }

  /** Whether the event is a join by which this server came into the room. Another server has sent it to the others. */
  get isEntry(): boolean {
    return this.extra?.includes(ENTRY) === true;
  }

  /** Whether the event concerns a user of this server in a room in which this server is not. It has no place there. */
  get isOutside(): boolean {
    return this.extra?.includes(OUTSIDE) === true;
  }

  /** Whether events before it were missing in the timeline when it was received. Clients may fetch them as history. */
  get followsGap(): boolean {
    return this.extra?.includes(GAP) === true;
  }

  /** The time until which the event is sticky, in milliseconds (MSC4354). */
  get stickyUntil(): number | undefined {
    if (this.extra?.includes(STICKY) !== true || this.redactedBy !== null) return undefined;
    const { [STICKY]: sticky } = JSON.parse(this.extra) as { [STICKY]?: { duration_ms: number } };
    return sticky === undefined ? undefined : this.ts + sticky.duration_ms;
  }

  /** The snapshot of the room's state after this event. */
  get snapshotAfter(): number {
    return this.after ?? (this.isState ? this.num : this.snapshot);
  }
}

/** The fields of an event that neither a redaction nor the reader changes. */
export type EventFields = Omit<
  StoredEvent,
  | 'content'
  | 'contentText'
  | 'redactedBy'
  | 'clientText'
  | 'transaction'
  | 'aggregations'
  | 'isState'
  | 'redacts'
  | 'snapshotAfter'
  | 'stickyUntil'
  | 'isEntry'
  | 'followsGap'
  | 'isOutside'
>;

/**
 * Ends the stored id of a row whose event has been received again and was stored anew in the timeline, and separates the id
 * from the number of the row. The old row stays, because states refer to its number.
 */
const REPEATED = 0;

/** Returns the stored id of a row whose event is stored anew. */
export function repeatedEventId(eventId: string, num: number): Uint8Array {
  return new Uint8Array([...storedEventId(eventId), REPEATED, ...Buffer.from(String(num), 'utf8'), REPEATED]);
}

/** Returns the least stored id of the rows of an event, and a bound above the ids of all of them. */
export function storedIdBounds(eventId: string): readonly [least: Uint8Array, above: Uint8Array] {
  const stored = storedEventId(eventId);
  return [stored, new Uint8Array([...stored, REPEATED + 1])];
}

/**
 * Returns an event id as it is stored: the 32 bytes of its hash, or the text of an id that is not a hash (room versions
 * 1 and 2).
 */
export function storedEventId(eventId: string): Uint8Array {
  return eventIdBytes(eventId) ?? new Uint8Array(Buffer.from(eventId, 'utf8'));
}

const HASH_BYTES = 32;

/** The room versions whose event ids are texts with a server name. One of 32 bytes is not a hash. */
const TEXT_IDS: ReadonlySet<string> = new Set(['1', '2']);

/** Returns whether stored bytes are the id of a row whose event is stored anew. */
export function isRepeated(stored: Uint8Array): boolean {
  return stored.at(-1) === REPEATED && stored.length !== HASH_BYTES;
}

/** Returns the event id of stored bytes. */
export function eventIdOfStored(stored: Uint8Array, roomVersion: string): string {
  const isText = TEXT_IDS.has(roomVersion);
  const isRepeated = stored.at(-1) === REPEATED && (isText || stored.length !== HASH_BYTES);
  // The texts of ids do not contain the separator; hashes may.
  const length = isText ? stored.indexOf(REPEATED) : HASH_BYTES;
  const bytes = isRepeated ? stored.subarray(0, length) : stored;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isText || bytes.byteLength !== HASH_BYTES) return buffer.toString('utf8');
  return `$${roomVersion === '3' ? buffer.toString('base64').replace(/=+$/, '') : buffer.toString('base64url')}`;
}
