import type { Signatures } from '@hearth/protocol/events/event.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';

/** The id, time and signatures of an event that a policy server has signed. It continues the head of that moment. */
interface ApprovedEvent {
  readonly eventId: string;
  readonly ts: number;
  /** All signatures of the event, or undefined if it needs none of the policy server. */
  readonly signatures: Signatures | undefined;
}

/** An event that a user wants to add to a room. The head of the room determines the other fields. */
export interface EventDraft {
  readonly type: string;
  /** Present exactly for state events. */
  readonly stateKey?: string;
  readonly sender: string;
  readonly content: JsonObject;
  /** Overrides the time, for application services. Milliseconds. */
  readonly ts?: number;
  /** The time for which the event is sticky (MSC4354), in milliseconds. */
  readonly stickyMs?: number;
  /** The loaded and checked target of a redaction. */
  readonly redacts?: StoredEvent;
  /** The id of the target of a redaction that this server does not have. */
  readonly redactsUnknown?: string;
  /** The approval of a policy server. The head is still the one for which it was given. */
  readonly approved?: ApprovedEvent;
}

/** The transaction id under which a device sends an event. */
export interface TransactionKey {
  readonly device: number;
  readonly txn: string;
}
