import { STICKY, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';

/**
 * The client form of events (client-server API, "Room event format") as text. The part that is the same for every
 * reader is serialised once and kept with the event; the rest is appended.
 */

/** The members of `unsigned` that differ by reader or time; all texts are JSON. */
export interface UnsignedParts {
  /** The time since the event was sent, in milliseconds. */
  readonly age: number;
  readonly transactionId?: string | undefined;
  readonly prevContent?: { readonly content: string; readonly sender: string; readonly eventId: string } | undefined;
  readonly redactedBecause?: string | undefined;
  readonly relations?: string | undefined;
  readonly membership?: string | undefined;
  /** The time for which the event remains sticky, in milliseconds (MSC4354). */
  readonly stickyTtlMs?: number | undefined;
}

/** The form in which an endpoint returns events. */
export interface ClientFormat {
  /** Whether events contain `room_id`. `/sync` has it as the key of the room. */
  readonly roomId: boolean;
  /** Whether events also contain the members of the r0 API: `age`, `user_id` and `prev_content` at the top level. */
  readonly legacy: boolean;
}

/** The form of events on current endpoints. */
export const MODERN_FORMAT: ClientFormat = { roomId: true, legacy: false };

/** The form of events on the endpoints that are older than `/sync`. */
export const LEGACY_FORMAT: ClientFormat = { roomId: true, legacy: true };

/** The form of events within the rooms of `/sync`. */
export const SYNC_FORMAT: ClientFormat = { roomId: false, legacy: false };

/** Renders one event as JSON text. */
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

/** Adds members, as JSON text without braces, to `unsigned` of an event that {@link clientEvent} has rendered. */
export function addToUnsigned(eventText: string, members: string): string {
  return `${eventText.slice(0, -2)},${members}}}`;
}

/**
 * Returns a function that renders an id as JSON and memoises the last one, because consecutive events often have equal
 * ids.
 */
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

/** Returns the part of an event that is the same for every reader, without the closing brace. */
function sharedText(event: StoredEvent): string {
  const { type, eventId, sender, ts, stateKey } = event;
  const stateKeyText = stateKey === undefined ? '' : `,"state_key":${JSON.stringify(stateKey)}`;
  const redacts = redactsText(event);
  const content = redacts === undefined ? event.contentText : redacts.content;
  return `{"type":${JSON.stringify(type)},"event_id":${JSON.stringify(eventId)},"sender":${JSON.stringify(sender)},"origin_server_ts":${ts}${stateKeyText}${redacts?.top ?? ''}${stickyText(event)},"content":${content}`;
}

/**
 * Returns the texts that name the target of a redaction, in the content and at the top level, for every room version
 * (rooms/v11, "Moving the redacts property of m.room.redaction events to a content property").
 */
function redactsText(event: StoredEvent): { content: string; top: string } | undefined {
  const { redacts } = event;
  if (redacts === undefined) return undefined;
  return { content: JSON.stringify({ ...event.content, redacts }), top: `,"redacts":${JSON.stringify(redacts)}` };
}

/** Renders the member that marks a sticky event, with a leading comma (MSC4354). */
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
