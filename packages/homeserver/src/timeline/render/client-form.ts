import { STICKY, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';

/**
 * The client form of events (client-server API, "Room event format") as text. The part that is the same for every
 * reader is serialised once and kept with the event; the rest is appended.
 */

/** The members of `unsigned` that differ by reader or time; all texts are JSON. */
export interface UnsignedParts {
  /** Milliseconds since the event was sent. */
  readonly age: number;
  readonly transactionId?: string | undefined;
  readonly prevContent?: { readonly content: string; readonly sender: string; readonly eventId: string } | undefined;
  readonly redactedBecause?: string | undefined;
  readonly relations?: string | undefined;
  readonly membership?: string | undefined;
  /** For how many more milliseconds the event is sticky (MSC4354). */
  readonly stickyTtlMs?: number | undefined;
}

/** How an endpoint wants its events. */
export interface ClientFormat {
  /** `/sync` leaves it out, since it stands above the events. */
  readonly roomId: boolean;
  /** The members of the first API beside the modern ones: `age`, `user_id` and `prev_content` at the top. */
  readonly legacy: boolean;
}

/** The form of single events and lists of today. */
export const MODERN_FORMAT: ClientFormat = { roomId: true, legacy: false };

/** The form on the endpoints from before `/sync`: with the members of the first API beside the modern ones. */
export const LEGACY_FORMAT: ClientFormat = { roomId: true, legacy: true };

/** The form within the rooms of `/sync`. */
export const SYNC_FORMAT: ClientFormat = { roomId: false, legacy: false };

/** One event as JSON text. */
export function clientEvent(event: StoredEvent, format: ClientFormat, parts: UnsignedParts): string {
  event.clientText ??= sharedText(event);
  let text = event.clientText;
  if (format.roomId) text += `,"room_id":${roomIdText(event.roomId)}`;
  if (format.legacy) {
    text += `,"age":${parts.age},"user_id":${senderText(event.sender)}`;
    if (parts.prevContent !== undefined) text += `,"prev_content":${parts.prevContent.content}`;
  }
  return `${text},"unsigned":${unsigned(parts)}}`;
}

/** The last id as JSON, of a kind that neighbouring events mostly have in common. */
function lastAsJson(): (id: string) => string {
  let last = '';
  let text = '""';
  return (id) => {
    if (id !== last) {
      text = JSON.stringify(id);
      last = id;
    }
    return text;
  };
}

const roomIdText = lastAsJson();
const senderText = lastAsJson();

/** The part that never changes, without the closing brace. */
function sharedText(event: StoredEvent): string {
  const { type, eventId, sender, ts, stateKey } = event;
  const stateKeyText = stateKey === undefined ? '' : `,"state_key":${JSON.stringify(stateKey)}`;
  const redacts = redactsText(event);
  const content = redacts === undefined ? event.contentText : redacts.content;
  return `{"type":${JSON.stringify(type)},"event_id":${JSON.stringify(eventId)},"sender":${JSON.stringify(sender)},"origin_server_ts":${ts}${stateKeyText}${redacts?.top ?? ''}${stickyText(event)},"content":${content}`;
}

/**
 * Redactions name their target both in the content and beside it, whatever the room version (rooms/v11, "Moving the
 * redacts property of m.room.redaction events to a content property").
 */
function redactsText(event: StoredEvent): { content: string; top: string } | undefined {
  const { redacts } = event;
  if (redacts === undefined) return undefined;
  return { content: JSON.stringify({ ...event.content, redacts }), top: `,"redacts":${JSON.stringify(redacts)}` };
}

/** A sticky event says so beside its content (MSC4354). */
function stickyText({ stickyUntil, ts }: StoredEvent): string {
  return stickyUntil === undefined ? '' : `,"${STICKY}":{"duration_ms":${stickyUntil - ts}}`;
}

const JOINED = ',"membership":"join"';

function unsigned(parts: UnsignedParts): string {
  const { age, transactionId, prevContent, redactedBecause, relations, membership, stickyTtlMs } = parts;
  let text = `{"age":${age}`;
  if (stickyTtlMs !== undefined) text += `,"msc4354_sticky_duration_ttl_ms":${stickyTtlMs}`;
  if (membership !== undefined) text += membership === 'join' ? JOINED : `,"membership":${JSON.stringify(membership)}`;
  if (transactionId !== undefined) text += `,"transaction_id":${JSON.stringify(transactionId)}`;
  if (prevContent !== undefined) {
    const { content, sender, eventId } = prevContent;
    text += `,"prev_content":${content},"prev_sender":${JSON.stringify(sender)},"replaces_state":${JSON.stringify(eventId)}`;
  }
  if (redactedBecause !== undefined) text += `,"redacted_because":${redactedBecause}`;
  if (relations !== undefined) text += `,"m.relations":${relations}`;
  return `${text}}`;
}
