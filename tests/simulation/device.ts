import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import type { Cancellation } from '../../packages/homeserver/src/platform/concurrency/cancellation.ts';
import type { Dice } from '../support/dice.ts';
import type { ClientEvent, JoinedRoom, Page, SyncReply } from '../support/user.ts';
import { Difference, expectSame, expectSameEntries } from './difference.ts';
import type { Habit } from './habits.ts';
import type { SimServer } from './sim-server.ts';
import { type RoomTruth, stateKeyOf, type TrueEvent, type Truth } from './truth.ts';

/** The data of a device about a room that its user has joined. */
export interface KnownRoom {
  /** The ids of the events that the device has seen, with gaps filled. */
  readonly timeline: string[];
  /** Event ids by type and state key. */
  readonly state: Map<string, string>;
  readonly summary: Map<string, number>;
  /** The users after whom the client names a room without a name. */
  heroes: readonly string[];
  /** Read receipts: event ids by type, user and thread. */
  readonly receipts: Map<string, string>;
  readonly accountData: Map<string, string>;
  typing: string;
  unread: string;
  /** Whether a gap could not be filled because the user has left and forgotten the room. */
  isForgotten: boolean;
}

const NOBODY_TYPES = '{"user_ids":[]}';

type RoomSection = JoinedRoom & {
  readonly state_after?: { readonly events: ClientEvent[] };
  readonly summary?: Record<string, number | string[]>;
};

/** The stored data of a device, from which it can start again. */
interface Memory {
  readonly since: string | undefined;
  readonly joined: Map<string, KnownRoom>;
  readonly invited: Set<string>;
  readonly knocked: Set<string>;
  readonly accountData: Map<string, string>;
}

/** The number of earlier memories to which a device may go back. */
const MEMORIES_MAX = 4;

/** A client of a user, which syncs according to its habit and remembers the answers. */
export class Device {
  readonly caller: Caller;
  readonly habit: Habit;
  joined = new Map<string, KnownRoom>();
  invited = new Set<string>();
  knocked = new Set<string>();
  accountData = new Map<string, string>();
  readonly #memories: Memory[] = [];
  readonly #server: SimServer;
  readonly #truth: Truth;
  readonly #dice: Dice;
  #since: string | undefined;

  constructor(caller: Caller, habit: Habit, world: { server: SimServer; truth: Truth }, dice: Dice) {
    this.caller = caller;
    this.habit = habit;
    this.#server = world.server;
    this.#truth = world.truth;
    this.#dice = dice;
  }

  get name(): string {
    return `${this.caller.userId} (${this.habit.name})`;
  }

  /** Sends a sync request and returns the answer. The device does not remember it yet. */
  async ask(timeoutMs: number, cancellation?: Cancellation): Promise<SyncReply> {
    const { habit } = this;
    if (this.#dice.chance(habit.goesBack)) this.#goBack();
    const fullState = this.#dice.chance(habit.fullState);
    const query = {
      since: this.#since,
      filter: JSON.stringify(habit.filter),
      timeout: timeoutMs,
      full_state: fullState,
      use_state_after: habit.stateAfter,
      set_presence: 'offline',
    };
    const ask = () =>
      this.#server.call(this.caller, 'GET', '/sync', { query, ...(cancellation ? { cancellation } : {}) });
    const replies = await Promise.all(this.#dice.chance(habit.twice) ? [ask(), ask()] : [ask()]);
    const reply = this.#dice.pick(replies);
    if (reply.status !== 200) throw new Difference(`${this.name}: sync answers ${JSON.stringify(reply)}`);
    return reply.json as unknown as SyncReply;
  }

  /** Forgets typing users after a restart of the server, which clients are not told about. */
  forgetTyping(): void {
    this.#memories.length = 0;
    for (const known of this.joined.values()) known.typing = NOBODY_TYPES;
  }

  #remember(): void {
    const { joined, invited, knocked, accountData } = this;
    this.#memories.push(structuredClone({ since: this.#since, joined, invited, knocked, accountData }));
    if (this.#memories.length > MEMORIES_MAX) this.#memories.shift();
  }

  #goBack(): void {
    const memory = this.#dice.maybe(this.#memories);
    if (memory === undefined) return;
    const { since, joined, invited, knocked, accountData } = structuredClone(memory);
    Object.assign(this, { joined, invited, knocked, accountData });
    this.#since = since;
  }

  /** Processes an answer, unless it counts as lost. */
  async take(reply: SyncReply): Promise<void> {
    this.#truth.refresh();
    for (const roomId of Object.keys(reply.rooms?.invite ?? {})) this.#leaveTo(this.invited, roomId);
    for (const roomId of Object.keys(reply.rooms?.knock ?? {})) this.#leaveTo(this.knocked, roomId);
    for (const [roomId, room] of Object.entries(reply.rooms?.join ?? {})) await this.#join(roomId, room);
    for (const [roomId, room] of Object.entries(reply.rooms?.leave ?? {}))
      await this.#leave(roomId, room, placeOf(reply.next_batch));
    keepAccountData(this.accountData, reply.account_data?.events);
    this.#since = reply.next_batch;
    if (this.habit.goesBack > 0) this.#remember();
  }

  #leaveTo(places: Set<string>, roomId: string): void {
    for (const each of [this.joined, this.invited, this.knocked]) each.delete(roomId);
    places.add(roomId);
  }

  async #join(roomId: string, room: RoomSection): Promise<void> {
    this.invited.delete(roomId);
    this.knocked.delete(roomId);
    const known = this.joined.get(roomId) ?? newRoom();
    this.joined.set(roomId, known);
    await this.#extend(roomId, known, room);
    this.#applyState(known, room);
    if (this.habit.isLazy) this.#checkSenders(roomId, known, room);
    for (const [key, value] of Object.entries(room.summary ?? {})) {
      if (typeof value === 'number') known.summary.set(key, value);
      else known.heroes = value;
    }
    if (room.unread_notifications !== undefined) known.unread = JSON.stringify(room.unread_notifications);
    keepAccountData(known.accountData, room.account_data?.events);
    for (const { type, content } of room.ephemeral?.events ?? []) {
      if (type === 'm.typing') known.typing = JSON.stringify(content);
      else for (const [key, id] of receiptsIn(content)) known.receipts.set(key, id);
    }
  }

  /** Compares a room with the truth when the user has left, because later requests may be refused. */
  async #leave(roomId: string, room: RoomSection, upTo: number): Promise<void> {
    const { userId } = this.caller;
    const truth = this.#truth.room(roomId);
    this.#checkVisible(roomId, room);
    const end = truth.leavingBefore(userId, upTo);
    const join = truth.joinOf(userId, end);
    const hasJoined = (join?.num ?? 0) > placeOf(this.#since ?? 's0');
    const known = this.joined.get(roomId) ?? (hasJoined ? newRoom() : undefined);
    if (known === undefined) this.#checkOutside(roomId, room);
    else {
      await this.#extend(roomId, known, room);
      this.#applyState(known, room);
      if (!known.isForgotten) this.#checkLeft(known, truth, end);
    }
    for (const each of [this.joined, this.invited, this.knocked]) each.delete(roomId);
  }

  /** Checks that a user who was never in a room gets only their own member events of it. */
  #checkOutside(roomId: string, { timeline, state, state_after }: RoomSection): void {
    const { userId } = this.caller;
    const others = [...timeline.events, ...(state?.events ?? []), ...(state_after?.events ?? [])].filter(
      ({ type, state_key }) => type !== 'm.room.member' || state_key !== userId,
    );
    if (others.length > 0)
      throw new Difference(`${this.name} is told of ${roomId} from outside: ${JSON.stringify(others)}`);
  }

  #checkLeft(known: KnownRoom, truth: RoomTruth, end: number): void {
    const { userId } = this.caller;
    const what = `${this.name} has left ${truth.roomId}`;
    const ended = truth.joinEndBefore(userId, end)?.num ?? 0;
    const isOwn = (event: TrueEvent) => event.type === 'm.room.member' && event.stateKey === userId;
    const isShown = (event: TrueEvent | undefined) =>
      event !== undefined && (event.num <= ended || (event.num <= end && isOwn(event)));
    const visible = truth.visible(userId).filter(isShown);
    expectSame(
      `${what}: timeline`,
      // Gaps may also contain events that everybody could read afterwards.
      known.timeline.filter((id) => isShown(truth.byId.get(id))),
      visible.filter((event) => this.habit.shows(event)).map(({ id }) => id),
    );
    const state = new Map(truth.state(ended));
    const own = visible.findLast(isOwn);
    if (own !== undefined) state.set(stateKeyOf('m.room.member', userId), own);
    this.checkState(what, known, state);
  }

  /**
   * Checks the whole state of a room, or with lazy loading the state without the members that the device does not know.
   */
  checkState(what: string, { state }: KnownRoom, truth: ReadonlyMap<string, TrueEvent>): void {
    const isUnknown = (key: string) => this.habit.isLazy && key.startsWith('m.room.member|') && !state.has(key);
    const wanted = [...truth].filter(([key]) => !isUnknown(key));
    expectSameEntries(`${what}: state`, state, new Map(wanted.map(([key, { id }]) => [key, id])));
  }

  async #extend(roomId: string, known: KnownRoom, room: RoomSection): Promise<void> {
    this.#checkVisible(roomId, room);
    const { timeline } = room;
    if (timeline.limited === true) known.timeline.push(...(await this.#gap(roomId, known, timeline.prev_batch)));
    known.timeline.push(...timeline.events.map(({ event_id }) => event_id));
  }

  #checkVisible(roomId: string, { timeline }: RoomSection): void {
    const visible = new Set(
      this.#truth
        .room(roomId)
        .visible(this.caller.userId)
        .map(({ id }) => id),
    );
    const secret = timeline.events.find(({ event_id }) => !visible.has(event_id));
    if (secret !== undefined)
      throw new Difference(`${this.name} sees ${secret.event_id} of ${roomId}, which is not for them`);
  }

  /** Returns the events between the last known event and a timeline. */
  async #gap(roomId: string, known: KnownRoom, from: string | undefined): Promise<string[]> {
    const seen = new Set(known.timeline);
    const ids: string[] = [];
    let token = from;
    while (token !== undefined) {
      const { timeline } = this.habit.filter.room;
      const query = { from: token, dir: 'b', limit: this.#dice.pick([1, 3, 20]), filter: JSON.stringify(timeline) };
      const path = `/rooms/${encodeURIComponent(roomId)}/messages`;
      const reply = await this.#server.call(this.caller, 'GET', path, { query });
      if (reply.status === 403 && this.#truth.room(roomId).membershipOf(this.caller.userId) !== 'join') {
        known.isForgotten = true;
        return [];
      }
      if (reply.status !== 200) throw new Difference(`${this.name}: the gap in ${roomId} is ${JSON.stringify(reply)}`);
      const page = reply.json as unknown as Page;
      for (const { event_id } of page.chunk) {
        if (seen.has(event_id)) return ids.reverse();
        ids.push(event_id);
      }
      token = page.end;
    }
    if (seen.size > 0) throw new Difference(`${this.name}: the gap in ${roomId} does not lead to a known event`);
    return ids.reverse();
  }

  #applyState({ state }: KnownRoom, room: RoomSection): void {
    const before = room.state_after ?? room.state;
    const events =
      room.state_after === undefined ? [...(before?.events ?? []), ...room.timeline.events] : before?.events;
    for (const { type, state_key, event_id } of events ?? []) {
      if (state_key !== undefined) state.set(stateKeyOf(type, state_key), event_id);
    }
  }

  /** Checks that the member events of all senders in a timeline are known. */
  #checkSenders(roomId: string, known: KnownRoom, { timeline }: RoomSection): void {
    const room = this.#truth.room(roomId);
    const last = room.byId.get(timeline.events.at(-1)?.event_id ?? '');
    const state = room.state(last?.num ?? 0);
    for (const { sender } of timeline.events) {
      const key = stateKeyOf('m.room.member', sender);
      if (known.state.get(key) === state.get(key)?.id) continue;
      throw new Difference(
        `${this.name} has ${known.state.get(key)} for ${sender} in ${roomId}, not ${state.get(key)?.id}`,
      );
    }
  }
}

/** Returns the position in the stream that a token stands for. */
function placeOf(token: string): number {
  return Number(/\d+/.exec(token)?.[0]);
}

function newRoom(): KnownRoom {
  return {
    timeline: [],
    state: new Map(),
    summary: new Map(),
    heroes: [],
    receipts: new Map(),
    accountData: new Map(),
    typing: NOBODY_TYPES,
    unread: '',
    isForgotten: false,
  };
}

/** Returns the receipts of an `m.receipt` event, by type, user and thread. */
export function receiptsIn(content: ClientEvent['content']): [string, string][] {
  const byEvent = content as Record<string, Record<string, Record<string, { thread_id?: string }>>>;
  return Object.entries(byEvent).flatMap(([id, byType]) =>
    Object.entries(byType).flatMap(([type, byUser]) =>
      Object.entries(byUser).map(([user, { thread_id: thread = '' }]): [string, string] => [
        `${type} ${user} ${thread}`,
        id,
      ]),
    ),
  );
}

/** Adds account data to those that a client knows. Data without content are deleted (MSC3391). */
export function keepAccountData(known: Map<string, string>, events: readonly ClientEvent[] = []): void {
  for (const { type, content } of events) {
    if (Object.keys(content).length === 0) known.delete(type);
    else known.set(type, JSON.stringify(content));
  }
}
