import type { Lookups } from '../../platform/lookups/lookups.ts';

/** The memberships of users in rooms, for the domains that hang on membership but know nothing else of rooms. */
export interface Membership {
  isJoined(roomId: string, user: number): Promise<boolean>;
  /** The room's number; undefined when this server has never heard of it. */
  roomNum(roomId: string): Promise<number | undefined>;
  joinedRooms(user: number): Promise<ReadonlySet<number>>;
  joinedMembers(room: number): Promise<ReadonlySet<number>>;
  /** The members of each room that a user has joined. */
  membersOfRooms(lookups: Lookups, user: number): readonly ReadonlySet<number>[];
  /** Whether the two are joined to some room together. */
  sharesRoom(lookups: Lookups, a: number, b: number): boolean;
}

/** An event's number and its place in the room's timeline; later events have a higher `seq`. */
export interface EventPlace {
  readonly num: number;
  readonly seq: number;
  /** The root of its thread, or `main`; `undefined` when it is redacted, so that this is not known any more. */
  readonly thread: string | undefined;
  /** The event's id, and those of the events that it relates to, directly or through others. */
  readonly relatesTo: readonly string[];
}

/** Finds where an event stands in a room; undefined when it is not an accepted event of that room. */
export type FindEventPlace = (room: number, eventId: string) => Promise<EventPlace | undefined>;
