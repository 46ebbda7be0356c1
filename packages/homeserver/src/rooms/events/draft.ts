import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';

/** An event that somebody wants to add to a room. The rest of it follows from the room's head. */
export interface EventDraft {
  readonly type: string;
  /** Present exactly for state events. */
  readonly stateKey?: string;
  readonly sender: string;
  readonly content: JsonObject;
  /** Overrides the time, for application services. Milliseconds. */
  readonly ts?: number;
  /** For how long members are to get it however far the timeline has gone on (MSC4354). Milliseconds. */
  readonly stickyMs?: number;
  /** The event that a redaction takes back; already loaded and checked. */
  readonly redacts?: StoredEvent;
}

/** The transaction id under which a device sends an event. */
export interface TransactionKey {
  readonly device: number;
  readonly txn: string;
}
