import type { RoomEventFilter } from '../filters/filter.ts';
import type { Reader, RoomAccess, RoomReaders } from '../rooms/access.ts';
import type { Names } from '../storage/engine/names.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries } from '../storage/state/state-tree.ts';
import type { History } from './history.ts';
import type { LazySenders } from './lazy-senders.ts';
import { timelineToken } from './position.ts';
import type { ReadableEvents } from './readable-events.ts';
import type { Shown } from './render/event-renderer.ts';

interface Parts {
  readonly names: Names;
  readonly states: StateStore;
  readonly readers: RoomReaders;
  readonly history: History;
  readonly senders: LazySenders;
  readonly readable: ReadableEvents;
}

/** An event with the events before and after it (client-server API, "GET /rooms/{roomId}/context/{eventId}"). */
export interface EventContext {
  readonly target: Shown;
  readonly before: readonly Shown[];
  readonly after: readonly Shown[];
  readonly start: string;
  readonly end: string;
  /** The state at the last of the events, as the numbers of the state events. */
  readonly state: readonly number[];
}

const LIMIT_DEFAULT = 10;

/** Reads the events around an event. */
export class EventContexts {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns an event with the events around it. `limit` is the maximum number of events before and after it together.
   * @throws MatrixError M_NOT_FOUND
   */
  async around(
    reader: Reader,
    access: RoomAccess,
    eventId: string,
    query: { readonly limit: number | undefined; readonly filter: RoomEventFilter | undefined },
  ): Promise<EventContext> {
    const target = await this.#parts.readable.find(reader.user, eventId, access.head.roomId);
    const { event } = target;
    const seq = event.seq ?? 0;
    const limit = query.limit ?? LIMIT_DEFAULT;
    const { filter } = query;
    const back = { dir: 'b', from: timelineToken(seq - 1), limit: Math.floor(limit / 2), filter } as const;
    const forth = { dir: 'f', from: timelineToken(seq), limit: Math.ceil(limit / 2), filter } as const;
    const before = await this.#parts.history.page(reader, access, back);
    const after = await this.#parts.history.page(reader, access, forth);
    const events = [...before.shown, target, ...after.shown].map((shown) => shown.event);
    const last = after.shown.at(-1)?.event ?? event;
    // Events after the departure, such as another invitation, do not show the state of the room.
    const stated = access.kind === 'past' && last.num > access.ended.num ? access.ended : last;
    const firstSeq = before.shown.at(-1)?.event.seq ?? seq;
    return {
      target,
      before: before.shown,
      after: after.shown,
      start: before.end ?? timelineToken(firstSeq - 1),
      end: after.end ?? timelineToken(last.seq ?? seq),
      state:
        filter?.lazy_load_members === true ? await this.#lazyState(stated, events) : await this.#stateAfter(stated),
    };
  }

  async #stateAfter(event: StoredEvent): Promise<readonly number[]> {
    const root = (await this.#parts.states.snapshots([event.snapshotAfter])).get(event.snapshotAfter);
    return root === undefined ? [] : this.#parts.readers.numsIn(root);
  }

  async #lazyState(last: StoredEvent, events: readonly StoredEvent[]): Promise<readonly number[]> {
    const root = (await this.#parts.states.snapshots([last.snapshotAfter])).get(last.snapshotAfter);
    if (root === undefined) return [];
    const member = await this.#parts.names.num('m.room.member');
    await this.#parts.states.loadAll([root]);
    const others = entries(root).filter(({ type }) => type !== member);
    const senders = await this.#parts.senders.of(events);
    return [...others.map(({ event }) => event), ...senders.map(({ num }) => num)];
  }
}
