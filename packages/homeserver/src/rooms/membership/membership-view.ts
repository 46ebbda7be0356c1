import type { Lookups } from '../../platform/lookups/lookups.ts';

/** The memberships of users in rooms, for domains that need nothing else of rooms. */
export interface Membership {
  isJoined(roomId: string, user: number): Promise<boolean>;
  /** Returns the room's number; undefined for a room that this server does not know. */
  roomNum(roomId: string): Promise<number | undefined>;
  joinedRooms(user: number): Promise<ReadonlySet<number>>;
  /** Returns those of some users who are known not to be in a room. */
  absentFrom(room: number, users: Iterable<number>): Promise<number[]>;
  /** Returns the members of each room that a user has joined. */
  membersOfRooms(lookups: Lookups, user: number): readonly ReadonlySet<number>[];
  /** Returns whether two users have joined the same room. */
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

/** A function that returns the place of an event in a room; undefined if it is not an accepted event of that room. */
export type FindEventPlace = (room: number, eventId: string) => Promise<EventPlace | undefined>;
