import { randomText } from '../platform/random.ts';
import { Acceptor } from '../rooms/accept.ts';
import { Aliases, type AliasOwners } from '../rooms/aliases.ts';
import { type CreationSettings, RoomCreation } from '../rooms/creation/create.ts';
import { NewRooms } from '../rooms/creation/new-rooms.ts';
import { RoomUpgrades } from '../rooms/creation/upgrade.ts';
import { EventBuilder } from '../rooms/events/build.ts';
import { ContentChecks } from '../rooms/events/check-content.ts';
import { Decider } from '../rooms/events/decide.ts';
import { EventEffects } from '../rooms/events/effects.ts';
import { openSigner } from '../rooms/events/signer.ts';
import { Heads } from '../rooms/heads.ts';
import type { BlocksInvites } from '../rooms/membership/invites.ts';
import { MemberChanges } from '../rooms/membership/member-change.ts';
import type { ProfileOf } from '../rooms/membership/member-content.ts';
import { MemberProfiles } from '../rooms/membership/member-profiles.ts';
import { Memberships } from '../rooms/membership/membership.ts';
import { RestrictedJoins } from '../rooms/membership/restricted-join.ts';
import { RoomMembership } from '../rooms/membership/room-membership.ts';
import { UserRooms } from '../rooms/membership/user-rooms.ts';
import { PartialStates } from '../rooms/partial-state/partial-states.ts';
import { Sender } from '../rooms/send.ts';
import { AliasStore } from '../storage/rooms/alias-store.ts';
import { AggregationStore } from '../storage/rooms/events/aggregation-store.ts';
import { EarlyReferences } from '../storage/rooms/events/early-references.ts';
import { EventStore } from '../storage/rooms/events/event-store.ts';
import { MissingEvents } from '../storage/rooms/events/missing-events.ts';
import { RelationStore } from '../storage/rooms/events/relation-store.ts';
import { StickyStore } from '../storage/rooms/events/sticky-events.ts';
import { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import { TransactionStore } from '../storage/rooms/events/transaction-store.ts';
import { InviteStates } from '../storage/rooms/invite-states.ts';
import { MembershipStore } from '../storage/rooms/membership-store.ts';
import { RoomStore } from '../storage/rooms/room-store.ts';
import { StateStore } from '../storage/state/state-store.ts';
import type { Base } from './base.ts';

/** The facts about users that rooms need. */
export interface AboutUsers {
  readonly profileOf: ProfileOf;
  readonly blocksInvites: BlocksInvites;
}

/** The settings of rooms. */
export interface RoomsSettings extends CreationSettings {
  readonly applicationServices: AliasOwners;
  /** The user who sends server notices, if there is one. */
  readonly noticesSender?: string | undefined;
}

/** The objects that rooms are built on. */
type RoomsBase = Omit<Base, 'background'>;

export type Rooms = Awaited<ReturnType<typeof openRooms>>;

const OPAQUE_ID_LETTERS = 18;

/** Creates rooms: their stores, the heads in memory and the objects that change rooms. */
export async function openRooms(base: RoomsBase, aboutUsers: AboutUsers, settings: RoomsSettings) {
  const { database, names, stream, clock, random } = base;
  const { serverName } = settings;
  const { profileOf, blocksInvites } = aboutUsers;
  const signer = await openSigner(serverName, base);
  const stores = await openStores(base);
  const { events, states, rooms, memberships, transactions } = stores;
  const heads = new Heads({ names, events, states, rooms, memberships, timelines: stores.timelines });
  const userRooms = new UserRooms(memberships);
  const aliases = new Aliases(new AliasStore(database), serverName, settings.applicationServices);
  const opaqueId = () => `${randomText(random, OPAQUE_ID_LETTERS)}:${serverName}`;
  const builder = new EventBuilder(names, stream, clock, signer, () => `$${opaqueId()}`);
  const effects = new EventEffects({ ...stores, userRooms });
  const decider = new Decider({ names, events, states, rooms, transactions }, builder, effects);
  const acceptor = new Acceptor({ names, stream, events, heads, decider, effects });
  const restrictedJoins = new RestrictedJoins(heads, names, serverName);
  const memberChanges = new MemberChanges({
    acceptor,
    partialStates: stores.partialStates,
    restrictedJoins,
    profileOf,
    blocksInvites,
    serverName,
    noticesSender: settings.noticesSender,
  });
  const checks = new ContentChecks(names, events, stores.relations, aliases);
  const newRooms = new NewRooms(names, clock, heads, () => `!${opaqueId()}`);
  return {
    ...stores,
    signer,
    heads,
    userRooms,
    aliases,
    acceptor,
    effects,
    memberChanges,
    restrictedJoins,
    creation: new RoomCreation({ acceptor, newRooms, aliases, profileOf, blocksInvites, settings }),
    upgrades: new RoomUpgrades({ acceptor, heads, newRooms, aliases, rooms, profileOf }),
    sender: new Sender({ ...stores, acceptor, heads, memberChanges, checks }),
    joining: new Memberships({ memberChanges, heads, userRooms, memberships, stream, profileOf }),
    memberProfiles: new MemberProfiles(acceptor, heads, userRooms, profileOf),
    membership: new RoomMembership(heads, userRooms, events),
  };
}

async function openStores({ database, names, clock }: Pick<Base, 'database' | 'names' | 'clock'>) {
  const events = new EventStore(database, names);
  const states = new StateStore(database);
  return {
    events,
    states,
    rooms: new RoomStore(database, states),
    memberships: new MembershipStore(database),
    relations: new RelationStore(database),
    aggregations: new AggregationStore(database, names, events),
    timelines: new TimelineStore(database),
    transactions: new TransactionStore(database),
    inviteStates: new InviteStates(database),
    earlyReferences: new EarlyReferences(database),
    missingEvents: new MissingEvents(database),
    partialStates: await PartialStates.open({ database, clock }),
    sticky: await StickyStore.open(database, clock.now()),
  };
}
