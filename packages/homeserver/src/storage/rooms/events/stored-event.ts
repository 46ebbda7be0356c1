import { eventIdBytes } from '@hearth/protocol/events/hash.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { cacheBytes } from '../../../platform/caches/cache-size.ts';
import { LruMap } from '../../../platform/caches/lru.ts';
import type { Aggregations } from './aggregations.ts';

/** How far an event is trusted; only accepted events have a place in their room's timeline. */
export const STANDING = { accepted: 0, softFailed: 1, rejected: 2, outlier: 3 } as const;
export type Standing = (typeof STANDING)[keyof typeof STANDING];

/** The member by which an event says that it is sticky (MSC4354). */
export const STICKY = 'msc4354_sticky';

/** A longer content stays parsed only for a while: of many small objects it takes thirty times its text. */
const KEPT_PARSED_MAX = 512;

/** A long content that was looked into lately. */
interface Parsed {
  readonly content: JsonObject;
  /** The length of its text. */
  readonly length: number;
}

/**
 * The long contents that were looked into lately. A `WeakRef` would not bound them: it keeps its target until the end of the
 * turn, and one turn may look into thousands of events.
 */
const parsedLately = new LruMap<StoredEvent, Parsed>(10_000, {
  bytesMax: cacheBytes(64),
  bytesOf: ({ length }) => 100 + 30 * length,
});

/** An event as it is kept in memory. Its content stays text until somebody looks into it. */
export class StoredEvent {
  /** Its place in the server's stream; every event has one of its own. */
  readonly num: number;
  readonly eventId: string;
  readonly room: number;
  readonly roomId: string;
  /** Its place in the room's timeline, counted from 1; `null` for events that are not shown. */
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
  /** The snapshot of the room's state before this event. */
  readonly snapshot: number;
  /** The event whose place in the state this one took. */
  readonly replaces: number | null;
  /** JSON text of the members that have no column, such as `redacts`. */
  readonly extra: string | null;
  /** The content as JSON text, redacted if the event was. */
  readonly contentText: string;
  /** The redaction that took the content away. */
  readonly redactedBy: number | null;
  /** The client form up to its `unsigned` part; filled in by whoever renders the event first. */
  clientText: string | undefined;
  /** Under which id which device has sent it; `null`: under none, `undefined`: not looked up yet. */
  transaction: { readonly device: number; readonly txn: string } | null | undefined;
  /** The aggregation of related events; `null`: there are none, `undefined`: not looked up yet, see `aggregation-store.ts`. */
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
    this.replaces = fields.replaces;
    this.extra = fields.extra;
    this.contentText = contentText;
    this.redactedBy = redactedBy;
  }

  /** The parsed content. Shared: never change it. */
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
   * The id of the event that a redaction takes back: beside the content, since room version 11 in it (rooms/v11, "Moving
   * the redacts property of m.room.redaction events to a content property").
   */
  get redacts(): string | undefined {
    if (this.type !== 'm.room.redaction') return undefined;
    const { redacts = this.content.redacts } = JSON.parse(this.extra ?? '{}') as { redacts?: unknown };
    return asString(redacts);
  }

  /** Until when the event is sticky, in milliseconds (MSC4354). */
  get stickyUntil(): number | undefined {
    if (this.extra?.includes(STICKY) !== true || this.redactedBy !== null) return undefined;
    const { [STICKY]: sticky } = JSON.parse(this.extra) as { [STICKY]?: { duration_ms: number } };
    return sticky === undefined ? undefined : this.ts + sticky.duration_ms;
  }

  /** The snapshot of the room's state with this event in it. */
  get snapshotAfter(): number {
    return this.isState ? this.num : this.snapshot;
  }
}

/** The columns of an event that do not change: what redaction leaves, and what is known of it whoever asks. */
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
>;

/** An event id as it is stored: the 32 bytes of its hash, or the text of an id that is none (room versions 1 and 2). */
export function storedEventId(eventId: string): Uint8Array {
  return eventIdBytes(eventId) ?? new Uint8Array(Buffer.from(eventId, 'utf8'));
}

const HASH_BYTES = 32;

/** The opposite of {@link storedEventId}; `standardBase64` for room version 3. */
export function eventIdOfStored(bytes: Uint8Array, standardBase64: boolean): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength !== HASH_BYTES) return buffer.toString('utf8');
  return `$${standardBase64 ? buffer.toString('base64').replace(/=+$/, '') : buffer.toString('base64url')}`;
}
