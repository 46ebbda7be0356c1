import type { RoomSummaries } from '../directory/room-summaries.ts';
import { ChangeLog } from '../sync/changes/change-log.ts';
import { Notifier } from '../sync/changes/notifier.ts';
import { EventStream } from '../sync/event-stream.ts';
import { LazyMembersCache } from '../sync/gather/lazy-members-cache.ts';
import { MemberSummaries } from '../sync/gather/member-summaries.ts';
import { RoomStates } from '../sync/gather/room-state.ts';
import { RoomTimelines } from '../sync/gather/room-timeline.ts';
import { DeviceSections } from '../sync/render/device-sections.ts';
import { FilteredEvents } from '../sync/render/filtered-events.ts';
import { GlobalSections } from '../sync/render/global-sections.ts';
import { JoinedExtras } from '../sync/render/joined-extras.ts';
import { RoomNewsReader } from '../sync/render/room-news.ts';
import { RoomSections } from '../sync/render/room-sections.ts';
import { StreamEntryTexts } from '../sync/render/stream-entry-texts.ts';
import { StrippedState } from '../sync/render/stripped-state.ts';
import { RoomChanges } from '../sync/select/changed-rooms.ts';
import { DeviceLists } from '../sync/select/device-lists.ts';
import { Invites } from '../sync/select/invites.ts';
import { LeftRooms } from '../sync/select/left-rooms.ts';
import { MemberMoves } from '../sync/select/member-moves.ts';
import { PeekedRooms } from '../sync/select/peeked-rooms.ts';
import { Peeks } from '../sync/select/peeks.ts';
import { RoomSelection } from '../sync/select/room-selection.ts';
import { StreamEntrySelection } from '../sync/select/stream-entries.ts';
import { StreamReader } from '../sync/select/stream-reader.ts';
import { Connections } from '../sync/sliding/connections.ts';
import { Sync } from '../sync/sync.ts';
import { SyncAnswer } from '../sync/sync-answer.ts';
import { StickyEvents } from '../timeline/sticky.ts';
import type { Activity } from './activity.ts';
import type { Base } from './base.ts';
import type { Encryption } from './encryption.ts';
import { openInitialSync } from './initial-sync.ts';
import type { Rooms } from './rooms.ts';
import { openSlidingSync } from './sliding-sync.ts';
import type { Timeline } from './timeline.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

/** The domains whose changes clients get. */
export interface SyncedDomains {
  readonly users: Users;
  readonly userData: UserData;
  readonly rooms: Rooms;
  readonly activity: Activity;
  readonly encryption: Encryption;
  readonly timeline: Timeline;
}

export type SyncBase = Awaited<ReturnType<typeof openSyncBase>>;

/** Creates `/sync`, sliding sync, `/events` and `/initialSync`. */
export async function openSync(base: Base, domains: SyncedDomains, summaries: RoomSummaries) {
  const shared = await openSyncBase(base, domains);
  return {
    ...shared,
    sync: openClassicSync(base, domains, shared),
    eventStream: openEventStream(base, domains, shared),
    slidingSync: openSlidingSync(base, domains, shared, summaries),
    ...openInitialSync(base, domains, shared),
  };
}

/** Creates the objects that several forms of sync have in common. */
async function openSyncBase({ database, names, stream, clock, random }: Base, domains: SyncedDomains) {
  const { users, userData, rooms, encryption, timeline } = domains;
  const { heads, userRooms, events, timelines, memberships, partialStates } = rooms;
  const { visibility } = timeline;
  const changeLog = new ChangeLog(stream, { heads, userRooms });
  const peeks = await Peeks.open({ database, stream });
  const connections = new Connections({ database, clock, random });
  const { keyDirectory, claimableKeys } = encryption;
  const moves = new MemberMoves({ events, memberships, membershipHistory: timeline.membershipHistory });
  const deviceLists = new DeviceLists({
    database,
    moves,
    heads,
    userRooms,
    memberships,
    keyDirectory,
    partialStates,
  });
  users.sessions.onRemoved((_user, devices) => connections.removal(devices));
  users.sessions.onRemoved((_user, devices) => peeks.removal(devices));
  return {
    changeLog,
    peeks,
    connections,
    notifier: new Notifier({ stream, heads, userRooms, changeLog, clock }),
    reader: new StreamReader({ stream, userRooms, changeLog }),
    changes: new RoomChanges({ rooms: rooms.rooms, timelines }),
    invites: new Invites({ ...userData, events }),
    summaries: new MemberSummaries({ names, heads, memberships }),
    roomTimelines: new RoomTimelines({ events, timelines, visibility }),
    stripped: new StrippedState({ heads, events, inviteStates: rooms.inviteStates }),
    deviceLists,
    deviceSections: new DeviceSections({ names, claimableKeys, deviceLists }),
  };
}

function openClassicSync({ names, clock }: Base, domains: SyncedDomains, shared: SyncBase): Sync {
  const { userData, rooms, activity, encryption, timeline } = domains;
  const { heads, events, timelines, states, partialStates } = rooms;
  const { changes, invites, summaries, stripped, peeks, notifier, reader: stream } = shared;
  const { renderer, unread, latest } = timeline;
  const left = new LeftRooms(timeline.membershipHistory, timelines);
  const { accountData, ignoredUsers } = userData;
  const { receipts, typing, presences } = activity;
  const lazyMembers = new LazyMembersCache();
  const selection = new RoomSelection({ names, invites, changes, left, timelines, latest, partialStates });
  const sticky = new StickyEvents({ sticky: rooms.sticky, events });
  const sections = new RoomSections({
    names,
    events,
    timelines: shared.roomTimelines,
    states: new RoomStates({ names, events, states, timelines, heads, lazyMembers, summaries }),
    filtered: new FilteredEvents({ heads, renderer, pdus: { names, events, signer: rooms.signer } }),
    extras: new JoinedExtras({ clock, heads, unread, summaries, sticky, renderer }),
    stripped,
  });
  const answer = new SyncAnswer({
    ignoredUsers,
    lazyMembers,
    selection,
    peeked: new PeekedRooms({ names, changes, heads, peeks, selection }),
    news: new RoomNewsReader({ names, receipts, typing, accountData }),
    globals: new GlobalSections({ names, events, heads, accountData, presences }),
    sections,
  });
  const { inbox } = encryption;
  return new Sync({ clock, stream, notifier, presences, inbox, device: shared.deviceSections, answer });
}

function openEventStream({ names, clock }: Base, domains: SyncedDomains, shared: SyncBase): EventStream {
  const { userData, rooms, activity, timeline } = domains;
  const { heads, events, timelines } = rooms;
  const { accountData, ignoredUsers, invitePermission } = userData;
  const { typing, receipts, presences } = activity;
  const { renderer, visibility, readers } = timeline;
  const { changeLog, notifier, reader: stream } = shared;
  const selection = new StreamEntrySelection({
    heads,
    events,
    timelines,
    changeLog,
    ignoredUsers,
    invitePermission,
    visibility,
  });
  const texts = new StreamEntryTexts({ names, typing, receipts, presences, accountData, renderer });
  return new EventStream({ clock, stream, readers, notifier, presences, selection, texts });
}

export type SyncDomain = Awaited<ReturnType<typeof openSync>>;
