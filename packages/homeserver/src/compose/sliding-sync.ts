import type { RoomSummaries } from '../directory/room-summaries.ts';
import { LazyMembersCache } from '../sync/gather/lazy-members-cache.ts';
import { ClientMemberships } from '../sync/sliding/client-memberships.ts';
import { DeviceExtensions } from '../sync/sliding/extensions/device-extensions.ts';
import { Extensions } from '../sync/sliding/extensions/extensions.ts';
import { RoomExtensions } from '../sync/sliding/extensions/room-extensions.ts';
import { StickyExtension } from '../sync/sliding/extensions/sticky-extension.ts';
import { ThreadsExtension } from '../sync/sliding/extensions/threads-extension.ts';
import { RoomLists } from '../sync/sliding/lists.ts';
import { MemberParts } from '../sync/sliding/member-parts.ts';
import { RequiredStates } from '../sync/sliding/required-state.ts';
import { RoomActivity } from '../sync/sliding/room-activity.ts';
import { RoomAnswers } from '../sync/sliding/room-answers.ts';
import { RoomSpans } from '../sync/sliding/room-span.ts';
import { SlidingAnswer } from '../sync/sliding/sliding-answer.ts';
import { SlidingSelection } from '../sync/sliding/sliding-selection.ts';
import { SlidingSync } from '../sync/sliding/sliding-sync.ts';
import { WantedRooms } from '../sync/sliding/wanted-rooms.ts';
import type { Base } from './base.ts';
import type { SyncBase, SyncedDomains } from './sync.ts';

/** Creates sliding sync. */
export function openSlidingSync(
  base: Base,
  domains: SyncedDomains,
  shared: SyncBase,
  summaries: RoomSummaries,
): SlidingSync {
  const { names, clock } = base;
  const { accountData, ignoredUsers } = domains.userData;
  const { notifier, connections, reader: stream } = shared;
  const { presences } = domains.activity;
  const lazyMembers = new LazyMembersCache();
  const answer = new SlidingAnswer({
    ignoredUsers,
    accountData,
    selection: openSelection(base, domains, shared, summaries),
    rooms: openRoomAnswers(base, domains, shared, lazyMembers),
    extensions: openExtensions(base, domains, shared),
  });
  return new SlidingSync({ names, waiting: { clock, stream, notifier, presences }, connections, lazyMembers, answer });
}

function openSelection({ names, stream }: Base, domains: SyncedDomains, shared: SyncBase, summaries: RoomSummaries) {
  const { events, timelines, rooms, partialStates } = domains.rooms;
  const { latest, membershipHistory } = domains.timeline;
  const { accountData } = domains.userData;
  const { changes, invites, reader } = shared;
  const activity = new RoomActivity({ rooms, events, stream });
  return new SlidingSelection({
    memberships: new ClientMemberships(membershipHistory, invites),
    stream: reader,
    wanted: new WantedRooms(names, new RoomLists({ names, accountData, activity, summaries }), partialStates),
    changes,
    spans: new RoomSpans({ membershipHistory, timelines, latest, changes }),
  });
}

function openRoomAnswers(
  { names }: Base,
  domains: SyncedDomains,
  { summaries, roomTimelines, stripped }: SyncBase,
  lazyMembers: LazyMembersCache,
) {
  const { heads, events, states, timelines } = domains.rooms;
  const { renderer, unread } = domains.timeline;
  return new RoomAnswers({
    names,
    timelines: roomTimelines,
    states: new RequiredStates({ names, states, events, timelines, lazyMembers }),
    renderer,
    members: new MemberParts({ names, events, states, heads, unread, summaries }),
    stripped,
  });
}

function openExtensions({ database, names, clock }: Base, domains: SyncedDomains, shared: SyncBase): Extensions {
  const { events, sticky } = domains.rooms;
  const { receipts, typing } = domains.activity;
  const { renderer } = domains.timeline;
  const { changeLog, deviceSections } = shared;
  return new Extensions({
    rooms: new RoomExtensions({ names, receipts, typing }),
    sticky: new StickyExtension({ clock, sticky, events, renderer }),
    threads: new ThreadsExtension({ changeLog, database, events }),
    devices: new DeviceExtensions(domains.encryption.inbox, deviceSections),
  });
}
