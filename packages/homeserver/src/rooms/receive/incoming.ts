import { type Pdu, roomIdOf } from '@hearth/protocol/events/event.ts';
import { eventId as eventIdOf, hasValidContentHash } from '@hearth/protocol/events/hash.ts';
import { redactPdu } from '@hearth/protocol/events/redact.ts';
import { parsePdu } from '@hearth/protocol/events/shape.ts';
import { CanonicalJsonError } from '@hearth/protocol/json/canonical.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { isStorable } from '../../storage/engine/storable-text.ts';

/** An event of another server whose format is valid. */
export interface IncomingEvent {
  /** The event; redacted if its content does not match its hash. */
  readonly pdu: Pdu;
  readonly eventId: string;
  readonly roomId: string;
}

/** The event, or the reason why it is not one. */
export type ReadEvent =
  | { readonly incoming: IncomingEvent; readonly refusal?: undefined }
  | { readonly incoming?: undefined; readonly refusal: string };

/**
 * Checks the format, the size and the content hash of a received event (server-server API, "Checks performed on receipt
 * of a PDU", 1 and 3). An event with a wrong hash is redacted.
 */
export function readIncoming(value: JsonValue | undefined, version: RoomVersion): ReadEvent {
  const { pdu, refusal } = parsePdu(value, version);
  if (refusal !== undefined) return { refusal };
  if (![pdu.type, pdu.sender, pdu.state_key ?? '', pdu.room_id ?? ''].every(isStorable))
    return { refusal: 'the event contains text that cannot be stored' };
  try {
    const eventId = eventIdOf(pdu, version);
    const { unsigned: _unsigned, ...signed } = pdu;
    const valid = hasValidContentHash(pdu, version) ? (signed as Pdu) : redactPdu(pdu, version);
    return { incoming: { pdu: valid, eventId, roomId: roomIdOf(pdu, eventId) } };
  } catch (error) {
    if (error instanceof CanonicalJsonError) return { refusal: `the event is not canonical JSON: ${error.message}` };
    throw error;
  }
}
