import { type FieldPath, fieldPaths } from '../filters/event-fields.ts';
import type { Filter, RoomEventFilter } from '../filters/filter.ts';
import { type Matcher, matcherOf, roomTest, type Test } from '../filters/matching.ts';

/** A filter of `/sync` in a form that is evaluated quickly; the same object for the same filter. */
export interface SyncFilter {
  readonly room: Test;
  readonly includeLeave: boolean;
  readonly timelineLimit: number;
  readonly timeline: RoomMatcher;
  readonly state: RoomMatcher;
  readonly ephemeral: RoomMatcher;
  readonly roomAccountData: RoomMatcher;
  readonly accountData: Matcher;
  readonly presence: Matcher;
  readonly lazyMembers: boolean;
  readonly redundantMembers: boolean;
  readonly threadCounts: boolean;
  readonly fields: readonly FieldPath[] | undefined;
  /** Whether events have the form in which servers exchange them (`event_format`). */
  readonly federationFormat: boolean;
  /** Whether the filter excludes no joined room and no message, and changes none. */
  readonly isPlain: boolean;
}

export interface RoomMatcher extends Matcher {
  /** Whether the filter has conditions, so that not everything passes. */
  readonly active: boolean;
}

const TIMELINE_LIMIT_DEFAULT = 10;
const TIMELINE_LIMIT_MAX = 1000;

const prepared = new WeakMap<Filter, SyncFilter>();

/** Returns the prepared form of a filter, computed once for each filter object. */
export function prepareFilter(filter: Filter): SyncFilter {
  const known = prepared.get(filter);
  if (known !== undefined) return known;
  const made = prepare(filter);
  prepared.set(filter, made);
  return made;
}

function prepare(filter: Filter): SyncFilter {
  const { room } = filter;
  const lazy = room?.state?.lazy_load_members === true || room?.timeline?.lazy_load_members === true;
  const timeline = roomMatcher(room?.timeline);
  const shownRooms = roomTest(room);
  const fields = filter.event_fields === undefined ? undefined : fieldPaths(filter.event_fields);
  const redundantMembers = room?.state?.include_redundant_members === true;
  const federationFormat = filter.event_format === 'federation';
  return {
    room: shownRooms,
    includeLeave: room?.include_leave === true,
    timelineLimit: Math.min(room?.timeline?.limit ?? TIMELINE_LIMIT_DEFAULT, TIMELINE_LIMIT_MAX),
    timeline,
    state: roomMatcher(room?.state),
    ephemeral: roomMatcher(room?.ephemeral),
    roomAccountData: roomMatcher(room?.account_data),
    accountData: matcherOf(filter.account_data),
    presence: matcherOf(filter.presence),
    lazyMembers: lazy,
    redundantMembers,
    threadCounts: room?.timeline?.unread_thread_notifications === true,
    fields,
    federationFormat,
    isPlain:
      shownRooms === undefined && !timeline.active && fields === undefined && !federationFormat && !redundantMembers,
  };
}

function roomMatcher(filter: RoomEventFilter | undefined): RoomMatcher {
  const matcher = matcherOf(filter);
  const { type, sender, room, containsUrl, nothing } = matcher;
  const active =
    nothing || type !== undefined || sender !== undefined || room !== undefined || containsUrl !== undefined;
  return { ...matcher, active };
}
