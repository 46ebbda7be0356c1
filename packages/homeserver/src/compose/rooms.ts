import type { Clock } from '../platform/clock.ts';
import { type Random, randomText } from '../platform/random.ts';
import { Aliases } from '../rooms/aliases.ts';
import { openSigner } from '../rooms/events/signer.ts';
import { Heads } from '../rooms/heads.ts';
import type { InviteDeps } from '../rooms/membership/invites.ts';
import type { ProfileOf } from '../rooms/membership/member-content.ts';
import { Memberships } from '../rooms/membership/membership.ts';
import { RoomMembership } from '../rooms/membership/room-membership.ts';
import { UserRooms } from '../rooms/membership/user-rooms.ts';
import { Sender } from '../rooms/send.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { AliasStore } from '../storage/rooms/alias-store.ts';
import { AggregationStore } from '../storage/rooms/events/aggregation-store.ts';
import { EventStore } from '../storage/rooms/events/event-store.ts';
import { RelationStore } from '../storage/rooms/events/relation-store.ts';
import { StickyStore } from '../storage/rooms/events/sticky-events.ts';
import { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import { TransactionStore } from '../storage/rooms/events/transaction-store.ts';
import { MembershipStore } from '../storage/rooms/membership-store.ts';
import { RoomStore } from '../storage/rooms/room-store.ts';
import { StateStore } from '../storage/state/state-store.ts';

/** The parts that rooms are built on. */
export interface RoomsGiven {
  readonly database: Database;
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: string;
  readonly defaultRoomVersion: string;
  readonly profileOf: ProfileOf;
  readonly blocksInvitesTo: InviteDeps['blocksInvitesTo'];
  /** Whether only administrators may publish rooms in the directory. */
  readonly onlyAdministratorsPublish: boolean;
}

export type Rooms = Awaited<ReturnType<typeof openRooms>>;

const OPAQUE_ID_LETTERS = 18;

/** Puts rooms together: their stores, the heads in memory and what can be done with them. */
export async function openRooms(given: RoomsGiven) {
  const { database, names, random, serverName } = given;
  const signer = await openSigner(serverName, given);
  const events = new EventStore(database, names);
  const states = new StateStore(database);
  const rooms = new RoomStore(database, states);
  const memberships = new MembershipStore(database);
  const relations = new RelationStore(database);
  const aggregations = new AggregationStore(database, names, events);
  const timelines = new TimelineStore(database);
  const transactions = new TransactionStore(database);
  const sticky = await StickyStore.open(database, given.clock.now());
  const heads = new Heads({ names, events, states, rooms, memberships, timelines });
  const userRooms = new UserRooms(memberships);
  const aliases = new Aliases(new AliasStore(database), serverName);
  const opaqueRoomId = () => randomText(random, OPAQUE_ID_LETTERS);
  const opaqueEventId = () => `$${randomText(random, OPAQUE_ID_LETTERS)}:${serverName}`;
  const stores = { events, states, rooms, memberships, relations, aggregations, timelines, transactions, sticky };
  const deps = { ...given, ...stores, signer, heads, userRooms, aliases, opaqueRoomId, opaqueEventId };
  return {
    ...deps,
    sender: new Sender(deps),
    joining: new Memberships(deps),
    membership: new RoomMembership({ heads, userRooms, events }),
  };
}
