import type { AuthEvent } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import { inSlices } from '../../platform/concurrency/in-slices.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { membershipOf } from '../events/effects.ts';
import { authForm } from '../head.ts';
import { prevIdsOf } from './prev-ids.ts';

/** The number of events whose lists of auth events are cached. */
const LISTS_MAX = 100_000;
/** The number of events whose auth events are read together. */
const READ_AT_ONCE = 2_000;

/** The auth chains of events: their auth events, the auth events of those, and so on. */
export class AuthChains {
  readonly #events: EventStore;
  readonly #lists = new LruMap<number, readonly number[]>(LISTS_MAX);
  readonly #forms = new WeakMap<StoredEvent, AuthEvent>();

  constructor(events: EventStore) {
    this.#events = events;
  }

  /**
   * Returns the numbers of all events in the auth chains of any number of events. The levels of the chains are read one
   * after the other, in slices.
   */
  async chain(nums: Iterable<number>): Promise<Set<number>> {
    const chain = new Set<number>();
    let level: readonly number[] = [...new Set(nums)];
    while (level.length > 0) {
      level = await inSlices(level, READ_AT_ONCE, async (some) => {
        const next: number[] = [];
        for (const list of (await this.listsOf(some)).values())
          for (const num of list) {
            if (chain.has(num)) continue;
            chain.add(num);
            next.push(num);
          }
        return next;
      });
    }
    return chain;
  }

  /** Returns the numbers of the auth events of events. */
  async listsOf(nums: readonly number[]): Promise<ReadonlyMap<number, readonly number[]>> {
    const found = new Map<number, readonly number[]>();
    const absent: number[] = [];
    for (const num of nums) {
      const list = this.#lists.get(num);
      if (list === undefined) absent.push(num);
      else found.set(num, list);
    }
    if (absent.length === 0) return found;
    for (const [num, list] of await this.#events.authNums(absent)) {
      this.#lists.set(num, list);
      found.set(num, list);
    }
    return found;
  }

  /** Returns events with their whole auth chains in the form for authorisation and state resolution, by event id. */
  async load(nums: Iterable<number>, version: RoomVersion): Promise<Map<string, AuthEvent>> {
    const starts = [...nums];
    const all = new Set([...starts, ...(await this.chain(starts))]);
    const events = await this.#events.load(all);
    const lists = await this.listsOf([...all]);
    const isFresh = (event: StoredEvent) =>
      !this.#forms.has(event) && mayBeFirstJoin(event, lists.get(event.num) ?? []);
    const prevIds = await this.#prevIds([...events.values()].filter(isFresh), version);
    const forms = new Map<string, AuthEvent>();
    for (const event of events.values()) {
      const list = lists.get(event.num) ?? [];
      forms.set(event.eventId, this.#formOf(event, { list, prevEvents: prevIds.get(event.num) ?? [] }, events));
    }
    return forms;
  }

  /** Returns the ids of the events that events follow, by the numbers of the events. */
  async #prevIds(events: readonly StoredEvent[], version: RoomVersion): Promise<Map<number, readonly string[]>> {
    if (events.length === 0) return new Map();
    const proofs = await this.#events.proofs(events.map(({ num }) => num));
    const loaded = await this.#events.load([...proofs.values()].flatMap(({ prev }) => prev));
    return new Map(Array.from(proofs, ([num, proof]) => [num, prevIdsOf(proof, loaded, version)]));
  }

  #formOf(
    event: StoredEvent,
    { list, prevEvents }: { readonly list: readonly number[]; readonly prevEvents: readonly string[] },
    events: ReadonlyMap<number, StoredEvent>,
  ): AuthEvent {
    const known = this.#forms.get(event);
    if (known !== undefined) return known;
    const authEvents = list.flatMap((num) => events.get(num)?.eventId ?? []);
    const form = { ...authForm(event, prevEvents), authEvents };
    if (authEvents.length === list.length) this.#forms.set(event, form);
    return form;
  }
}

/**
 * Returns whether an event may be the join of the creator of a room, which the rules permit because it follows the create
 * event alone (rooms/v1, rule 5.2.1). Only for this event does authorisation need to know what it follows.
 */
function mayBeFirstJoin(event: StoredEvent, auth: readonly number[]): boolean {
  return (
    auth.length <= 1 &&
    event.type === 'm.room.member' &&
    event.stateKey === event.sender &&
    membershipOf(event) === 'join'
  );
}
