import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { PartialStates } from '../../rooms/partial-state/partial-states.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { Rows } from '../select/stream-reader.ts';
import type { RoomList, RoomLists, SlidingSyncBody } from './lists.ts';
import { type StatePairs, uniteRules, wantsAllMembers } from './state-selection.ts';

/** The wanted part of a room: the maximum of all rules that match the room. */
export interface RoomConfig {
  readonly limit: number;
  readonly state: readonly StatePairs[];
}

/** The rooms that a request selects. */
export interface RequestedRooms {
  readonly lists: readonly RoomList[];
  /** The rooms that the request subscribes to and that the user may see. */
  readonly subscribed: ReadonlySet<number>;
  /** The rooms that match at least one rule, those of the lists first. */
  readonly rooms: ReadonlyMap<number, { readonly row: MembershipRow; readonly config: RoomConfig }>;
}

const TIMELINE_LIMIT_MAX = 1_000;

/** A rule of a request: the configuration of each room that it matches. */
interface Rule {
  readonly timeline_limit: number;
  readonly required_state: StatePairs;
}

/** Finds the rooms that match the rules of a request (MSC4186, "Lists and subscriptions"). */
export class WantedRooms {
  readonly #names: Names;
  readonly #lists: RoomLists;
  readonly #partialStates: PartialStates;

  constructor(names: Names, lists: RoomLists, partialStates: PartialStates) {
    this.#names = names;
    this.#lists = lists;
    this.#partialStates = partialStates;
  }

  select(
    lookups: Lookups,
    user: number,
    body: SlidingSyncBody,
    rows: Rows,
    isKnown: (room: number) => boolean,
  ): RequestedRooms {
    const all = this.#lists.byActivity(lookups, rows.values(), isKnown);
    const rules = new Map<number, Rule[]>();
    const lists = lookups.each(Object.entries(body.lists ?? {}), ([name, request]) => {
      const list = this.#lists.list(lookups, user, name, request, this.#shown(all, request));
      for (const room of list.rooms) put(rules, room, request);
      return list;
    });
    const subscribed = new Set<number>();
    const subscriptions = Object.entries(body.room_subscriptions ?? {});
    const nums = lookups.all(
      this.#names.numSource,
      subscriptions.map(([roomId]) => roomId),
    );
    const there = new Map(all.map((row) => [row.room, row]));
    for (const [i, [, rule]] of subscriptions.entries()) {
      const room = nums[i];
      const row = room === undefined ? undefined : there.get(room);
      if (room === undefined || row === undefined || !this.#isShown(row, rule)) continue;
      subscribed.add(room);
      put(rules, room, rule);
    }
    const configs = new Map<string, RoomConfig>();
    const rooms = new Map<number, { row: MembershipRow; config: RoomConfig }>();
    for (const [room, matching] of rules) {
      const row = rows.get(room);
      if (row !== undefined) rooms.set(room, { row, config: combine(matching, configs) });
    }
    return { lists, subscribed, rooms };
  }

  #shown(rows: readonly MembershipRow[], rule: Rule): readonly MembershipRow[] {
    return this.#partialStates.count === 0 ? rows : rows.filter((row) => this.#isShown(row, rule));
  }

  /** Returns false for a room whose members are not known yet, for a client that wants all of them (MSC3902). */
  #isShown({ room, membership }: MembershipRow, { required_state: state }: Rule): boolean {
    return membership !== 'join' || this.#partialStates.of(room) === undefined || !wantsAllMembers(state);
  }
}

function put(rules: Map<number, Rule[]>, room: number, rule: Rule): void {
  const known = rules.get(room);
  if (known === undefined) rules.set(room, [rule]);
  else known.push(rule);
}

/** Returns the maximum of several rules; the same object for the same result (MSC4186, "Combining room configs"). */
function combine(rules: readonly Rule[], known: Map<string, RoomConfig>): RoomConfig {
  const limit = Math.min(Math.max(...rules.map(({ timeline_limit }) => timeline_limit)), TIMELINE_LIMIT_MAX);
  const state = uniteRules(rules.map(({ required_state }) => required_state));
  const key = JSON.stringify([limit, state]);
  const config = known.get(key) ?? { limit, state };
  known.set(key, config);
  return config;
}
