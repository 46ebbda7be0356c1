import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import type { InvitePermission } from '../../account-data/invite-permission.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import { loadedSingly, NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import { type Reader, readerOf } from '../../rooms/access.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Change } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { Shown } from '../../timeline/render/event-renderer.ts';
import type { Visibility } from '../../timeline/visibility.ts';
import { type ChangeLog, isForMember, isMemberOfAny } from '../changes/change-log.ts';
import type { ReadPoint, Rows } from './stream-reader.ts';

interface Parts {
  readonly heads: Heads;
  readonly events: EventStore;
  readonly timelines: TimelineStore;
  readonly changeLog: ChangeLog;
  readonly ignoredUsers: IgnoredUsers;
  readonly invitePermission: InvitePermission;
  readonly visibility: Visibility;
}

/** The user and device of a request for the event stream. */
export interface StreamListener {
  readonly user: number;
  readonly device: number;
}

/** The rooms that a request names. */
export interface ListenedRooms {
  readonly all: ReadonlySet<number>;
  /** The rooms that the user may read now. The answer contains only the visible events of other rooms. */
  readonly open: ReadonlySet<number>;
}

/** The part of the event stream that an answer covers. */
export interface StreamWindow extends ReadPoint {
  readonly from: number;
  /** The maximum number of entries. */
  readonly limit: number;
  /** The rooms that the request names; absent if it is for all joined rooms. */
  readonly rooms: ListenedRooms | undefined;
}

/** The entries of the event stream in a window. */
export interface StreamEntries {
  readonly reader: Reader;
  readonly changes: readonly Change[];
  /** The events that the reader may see, by number. */
  readonly shown: ReadonlyMap<number, Shown>;
  /** The position of the end of the entries. */
  readonly end: number;
}

/** Events of some rooms after a position. */
interface EventsAfter {
  readonly rooms: readonly number[];
  readonly position: number;
  readonly limit: number;
}

/** The kinds of changes that the event stream does not contain. */
const EXCLUDED: ReadonlySet<Change['kind']> = new Set(['device-list', 'to-device', 'thread-subscription']);
const NOTHING_SHOWN: ReadonlyMap<number, Shown> = new Map();

/** Selects the entries of the event stream that existed before `/sync` (client-server API, "Listen on the event stream"). */
export class StreamEntrySelection {
  readonly #parts: Parts;
  readonly #eventsAfter: Source<EventsAfter, readonly number[]>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#eventsAfter = loadedSingly(
      () => NOT_LOADED,
      ({ rooms, position, limit }) => parts.timelines.after(rooms, position, limit),
      ({ position }) => position,
    );
  }

  select(lookups: Lookups, listener: StreamListener, window: StreamWindow): StreamEntries {
    const { limit, upTo, rooms } = window;
    // Only the presence of members of named rooms is delivered.
    if (rooms !== undefined) lookups.all(this.#parts.heads.source, rooms.open);
    const all = this.#changes(lookups, listener.user, window).filter((change) => this.#isDelivered(change, window));
    const changes = all.length > limit ? all.slice(0, limit) : all;
    const end = all.length > limit ? (changes.at(-1)?.position ?? upTo) : upTo;
    const reader = readerOf(listener, lookups.get(this.#parts.ignoredUsers.source, listener.user));
    return { reader, changes, shown: this.#shown(lookups, reader, changes), end };
  }

  #isDelivered(change: Change, { rooms, rows }: StreamWindow): boolean {
    const room = 'room' in change ? change.room : null;
    if (rooms === undefined) {
      if (EXCLUDED.has(change.kind)) return false;
      return room === null || isForMember(change, room, rows);
    }
    if (change.kind === 'presence') return isMemberOfAny(this.#parts.heads, change.user, rooms.open);
    if (room === null) return false;
    return change.kind === 'event' ? rooms.all.has(room) : rooms.open.has(room);
  }

  /**
   * Returns the changes in a window, from the change log. For an old token, returns only the events, from the database.
   */
  #changes(lookups: Lookups, user: number, window: StreamWindow): readonly Change[] {
    const { from, upTo, limit, rooms, rows } = window;
    const { changeLog, events } = this.#parts;
    const recent =
      rooms === undefined ? changeLog.concerning(user, rows, from) : changeLog.inRooms(user, rooms.all, from);
    if (recent !== undefined)
      return (recent.at(-1)?.position ?? 0) > upTo ? recent.filter(({ position }) => position <= upTo) : recent;
    const asked = { rooms: [...(rooms?.all ?? joinedRooms(rows))], position: from, limit: limit + 1 };
    const nums = lookups.get(this.#eventsAfter, asked).filter((num) => num <= upTo);
    const found = lookups.all(events.source, nums).filter((event) => event !== undefined);
    const changes = found.map(({ num, room }): Change => ({ kind: 'event', position: num, room, event: num }));
    if (rooms !== undefined) return changes;
    return [...changes, ...ownMoves(rows, window)].sort((a, b) => a.position - b.position);
  }

  #shown(lookups: Lookups, reader: Reader, changes: readonly Change[]): ReadonlyMap<number, Shown> {
    const { events, visibility } = this.#parts;
    const nums: number[] = [];
    for (const change of changes) if (change.kind === 'event') nums.push(change.event);
    if (nums.length === 0) return NOTHING_SHOWN;
    const byRoom = new Map<number, StoredEvent[]>();
    for (const event of lookups.all(events.source, nums)) {
      if (event === undefined || this.#isHidden(lookups, event, reader)) continue;
      const inRoom = byRoom.get(event.room);
      if (inRoom === undefined) byRoom.set(event.room, [event]);
      else inRoom.push(event);
    }
    const shown = new Map<number, Shown>();
    lookups.each(byRoom, ([room, inRoom]) => {
      for (const visible of visibility.visible(lookups, reader.user, room, inRoom))
        shown.set(visible.event.num, visible);
    });
    return shown;
  }

  /**
   * Returns whether an event is hidden because the reader ignores its sender or does not accept the invite
   * (client-server API, "Ignoring Users", "Invite permission"; MSC4155).
   */
  #isHidden(lookups: Lookups, event: StoredEvent, { user, ignored }: Reader): boolean {
    const { type, stateKeyNum, content, isState } = event;
    const isInvite = isState && type === 'm.room.member' && stateKeyNum === user && content.membership === 'invite';
    if (ignored.has(event.senderNum)) return !isState || isInvite;
    return isInvite && this.#parts.invitePermission.hiding(lookups, user)?.(event.sender) === true;
  }
}

function joinedRooms(rows: Rows): Set<number> {
  return new Set([...rows.values()].filter(({ membership }) => membership === 'join').map(({ room }) => room));
}

/** Returns the events with which the user's memberships of rooms that the user has not joined have changed. */
function ownMoves(rows: Rows, { from, upTo }: StreamWindow): Change[] {
  return [...rows.values()]
    .filter(({ membership, position }) => membership !== 'join' && position > from && position <= upTo)
    .map(({ room, position }) => ({ kind: 'event', position, room, event: position }));
}
