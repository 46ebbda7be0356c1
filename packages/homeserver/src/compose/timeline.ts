import { ThreadFollowing } from '../push-rules/thread-following.ts';
import { Verdicts } from '../push-rules/verdicts.ts';
import { Retention, type RetentionSettings } from '../retention/retention.ts';
import { RoomReaders } from '../rooms/access.ts';
import { MembershipHistory } from '../rooms/membership/membership-history.ts';
import { EventContexts } from '../timeline/context.ts';
import { EventRelationships } from '../timeline/event-relationships.ts';
import { Follower, type NewFollower } from '../timeline/follower.ts';
import { History } from '../timeline/history.ts';
import { LatestEventNums } from '../timeline/latest.ts';
import { LazySenders } from '../timeline/lazy-senders.ts';
import { Members } from '../timeline/members.ts';
import { ReadableEvents } from '../timeline/readable-events.ts';
import { RelatedEvents } from '../timeline/relations.ts';
import { Bundles } from '../timeline/render/bundles.ts';
import { Erasure } from '../timeline/render/erasure.ts';
import { EventRenderer } from '../timeline/render/event-renderer.ts';
import { StateTexts } from '../timeline/render/state-text.ts';
import { VisibleChildren } from '../timeline/render/visible-children.ts';
import { Threads } from '../timeline/threads.ts';
import { Visibility } from '../timeline/visibility.ts';
import { VisibleState } from '../timeline/visible-state.ts';
import { UnreadCounts } from '../unread/unread-counts.ts';
import type { Activity } from './activity.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

/** The domains that the history of rooms is read with. */
interface ReadDomains {
  readonly users: Users;
  readonly userData: UserData;
  readonly rooms: Rooms;
  readonly activity: Activity;
}

export type Timeline = ReturnType<typeof openTimeline>;

/** Creates the objects that read the history of rooms for a user. */
export function openTimeline(base: Base, domains: ReadDomains, retentionSettings: RetentionSettings | undefined) {
  const { database, names, stream, clock, background } = base;
  const { heads, userRooms, events, states, timelines, relations, aggregations, transactions, partialStates } =
    domains.rooms;
  const { pushRules, ignoredUsers } = domains.userData;
  const { receipts } = domains.activity;
  const retention = new Retention(retentionSettings, heads, clock);
  const verdicts = new Verdicts(pushRules, new ThreadFollowing(database, events));
  const newFollower: NewFollower = (name, process) =>
    new Follower({ database, stream, timelines, events, clock, background }, name, process);
  const latest = new LatestEventNums({ heads, timelines });
  const membershipHistory = new MembershipHistory({ names, events, states, latest: latest.source });
  const readers = new RoomReaders({ heads, states, userRooms, membershipHistory, partialStates, ignoredUsers });
  const visibility = new Visibility({ names, events, states, userRooms, membershipHistory, retention });
  const erasure = new Erasure({ erasedUsers: domains.users.erasedUsers, userRooms, membershipHistory, heads });
  const children = new VisibleChildren({ names, events, heads, userRooms, membershipHistory, relations, visibility });
  const bundles = new Bundles({ events, aggregations, children });
  const renderer = new EventRenderer({ clock, events, transactions, bundles, erasure });
  const senders = new LazySenders({ names, events, states });
  const history = new History({ timelines, events, visibility, children, senders });
  const readable = new ReadableEvents({ events, userRooms, timelines, visibility, history });
  return {
    retention,
    verdicts,
    readers,
    visibility,
    erasure,
    bundles,
    renderer,
    history,
    readable,
    senders,
    latest,
    membershipHistory,
    stateTexts: new StateTexts({ events, renderer }),
    contexts: new EventContexts({ names, states, readers, history, senders, readable }),
    visibleState: new VisibleState({ names, events, states, readers, erasure }),
    related: new RelatedEvents({ names, events, timelines, relations, readable, visibility }),
    relationships: new EventRelationships({ events, relations, heads, readable, visibility }),
    threads: new Threads({ heads, events, timelines, relations, bundles, visibility }),
    members: new Members({ names, events, states, timelines, readers }),
    unread: new UnreadCounts({ heads, receipts, verdicts, events, timelines, stream, ignoredUsers }),
    newFollower,
  };
}
