import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';

/** One room of an answer, with the events of its timeline that are read. */
export interface SelectedRoom {
  readonly row: MembershipRow;
  /** Whether the room is new to the client, so that the client gets the whole state. */
  readonly isNew: boolean;
  /** The numbers of the events, oldest first. */
  readonly nums: readonly number[];
  /** Whether there are events before `nums` that the client does not have. */
  readonly limited: boolean;
  /** The client has all events up to this position; `0` for a room that is new to the client. */
  readonly after: number;
  /**
   * Whether the events do not continue the timeline that the client may have from an earlier membership. Clients begin a new
   * timeline when the answer says that it is limited.
   */
  readonly startsTimeline?: boolean;
  /** The departure of a user who is not in the room. */
  readonly departure?: Departure | undefined;
  /** The latest event of a room without new events, at which the state is read. */
  readonly anchor?: number | undefined;
  /** Whether members have become known that no event of the timeline has changed. */
  readonly hasNewMembers?: boolean;
}

/** The events by which a user left a room. */
export interface Departure {
  /** The event with which the user's last time as a member ended; the room is shown as of this event. */
  readonly ended: StoredEvent | undefined;
  /**
   * The user's current member event. It differs from `ended` if the user was invited again and the invitation was
   * rejected, or if the membership ended with another event. Absent if the resolution of states has removed it.
   */
  readonly member: StoredEvent | undefined;
}
