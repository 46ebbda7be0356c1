import type { Clock } from '../platform/clock.ts';
import { type Random, randomText } from '../platform/random.ts';
import { AggregationStore } from '../storage/aggregation-store.ts';
import { AliasStore } from '../storage/alias-store.ts';
import type { Database } from '../storage/database.ts';
import { EventStore } from '../storage/event-store.ts';
import { MembershipStore } from '../storage/membership-store.ts';
import type { Names } from '../storage/names.ts';
import { RelationStore } from '../storage/relation-store.ts';
import { RoomStore } from '../storage/room-store.ts';
import { StateStore } from '../storage/state-store.ts';
import { StickyStore } from '../storage/sticky-events.ts';
import type { Stream } from '../storage/stream.ts';
import { TimelineStore } from '../storage/timeline-store.ts';
import { TransactionStore } from '../storage/transaction-store.ts';
import { Aliases } from './aliases.ts';
import { Heads } from './heads.ts';
import type { InviteDeps } from './invites.ts';
import type { ProfileOf } from './member-content.ts';
import { Memberships } from './membership.ts';
import { Retention, type RetentionSettings } from './retention.ts';
import { RoomMembership } from './room-membership.ts';
import { Sender } from './send.ts';
import { openSigner } from './signer.ts';
import { UserRooms } from './user-rooms.ts';

/** What rooms are built on. */
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
  readonly retentionSettings?: RetentionSettings | undefined;
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
    retention: new Retention(given.retentionSettings, heads, given.clock),
    sender: new Sender(deps),
    joining: new Memberships(deps),
    membership: new RoomMembership({ heads, userRooms, events }),
  };
}
