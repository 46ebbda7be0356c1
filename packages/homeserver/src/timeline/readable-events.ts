import { notFound } from '@hearth/protocol/errors.ts';
import type { RoomAccess } from '../rooms/access.ts';
import type { Head } from '../rooms/head.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { History } from './history.ts';
import { timelineToken } from './position.ts';
import type { Shown } from './render/event-renderer.ts';
import type { Visibility } from './visibility.ts';

interface Parts {
  readonly events: EventStore;
  readonly userRooms: UserRooms;
  readonly timelines: TimelineStore;
  readonly visibility: Visibility;
  readonly history: History;
}

/** Fetches events that this server does not have from other servers. */
export interface EventsByTime {
  /** @param known the time of the closest event that this server has */
  fetch(head: Head, ts: number, dir: 'f' | 'b', known: number | undefined): Promise<void>;
}

const NOBODY: ReadonlySet<number> = new Set();

/** Reads single events that a user may read. */
export class ReadableEvents {
  readonly #parts: Parts;
  #remote: EventsByTime | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Makes the events that other servers have available. */
  fetchFrom(remote: EventsByTime): void {
    this.#remote = remote;
  }

  /**
   * Returns an event that the user may read. With `roomId`, the event must be in that room.
   * @throws MatrixError M_NOT_FOUND, also for an event that is hidden from the user
   */
  async find(user: number, eventId: string, roomId?: string): Promise<Shown> {
    const { events, userRooms, visibility } = this.#parts;
    const event = await events.byId(eventId);
    if (event === undefined || event.seq === null || (roomId !== undefined && event.roomId !== roomId)) {
      throw notFound('The event does not exist');
    }
    const row = await userRooms.one(user, event.room);
    const [visible] = row?.forgotten === true ? [] : await visibility.visibleTo(user, event.room, [event]);
    if (visible === undefined) throw notFound('The event does not exist');
    return visible;
  }

  /**
   * Returns the event closest to a time in a direction (client-server API, "GET /rooms/{roomId}/timestamp_to_event").
   * If the user may not see that event, returns the next visible one in the timeline.
   */
  async closest(
    user: number,
    access: RoomAccess,
    { ts, dir }: { readonly ts: number; readonly dir: 'f' | 'b' },
  ): Promise<StoredEvent | undefined> {
    const { history } = this.#parts;
    const { head, kind } = access;
    if (this.#remote !== undefined && kind === 'member')
      await this.#remote.fetch(head, ts, dir, (await this.#closest(head, ts, dir))?.ts);
    const event = await this.#closest(head, ts, dir);
    if (event === undefined) return undefined;
    const seq = event.seq ?? 0;
    const from = timelineToken(dir === 'f' ? seq - 1 : seq);
    const reader = { user, device: 0, ignored: NOBODY };
    const { shown } = await history.page(reader, access, { dir, from, limit: 1 });
    return shown[0]?.event;
  }

  async #closest(head: Head, ts: number, dir: 'f' | 'b'): Promise<StoredEvent | undefined> {
    const num = await this.#parts.timelines.closest(head.num, ts, dir);
    return num === undefined ? undefined : this.#parts.events.one(num);
  }
}
