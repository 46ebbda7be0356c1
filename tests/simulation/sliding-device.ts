import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import type { Dice } from '../support/dice.ts';
import { SLIDING_PATH, type SlidingReply, type SlidingRoom } from '../support/sliding.ts';
import type { ClientEvent, Page } from '../support/user.ts';
import { keepAccountData, receiptsIn } from './device.ts';
import { Difference, expectSame, expectSameEntries } from './difference.ts';
import type { SimServer } from './sim-server.ts';
import { type RoomTruth, stateKeyOf, type TrueEvent, type Truth } from './truth.ts';
import { type ReadMarks, unreadCounts } from './unread.ts';

/** The data of a device about a room, from sliding sync. */
interface KnownRoom {
  membership: string;
  timeline: string[];
  readonly state: Map<string, string>;
  readonly accountData: Map<string, string>;
  readonly receipts: Map<string, string>;
  typing: string;
  counts: Map<string, number>;
}

interface Wish {
  readonly body: JsonObject;
  readonly list: { readonly range: readonly [number, number]; readonly rules: Rules };
}

type Rules = readonly (readonly [string, string])[];

/** The `required_state` of devices: some state events, all of some types, everything with lazy members. */
const RULES: readonly Rules[] = [
  [
    ['m.room.name', ''],
    ['m.room.member', '$ME'],
  ],
  [
    ['test.key', '*'],
    ['m.room.member', '*'],
  ],
  [
    ['*', '*'],
    ['m.room.member', '$LAZY'],
  ],
  [['*', 'a']],
];

const NOBODY = '{"user_ids":[]}';
const WHOLE: readonly [number, number] = [0, 99];

/** A client that uses sliding sync with a moving window. */
export class SlidingDevice {
  readonly caller: Caller;
  readonly #server: SimServer;
  readonly #truth: Truth;
  readonly #dice: Dice;
  readonly #rooms = new Map<string, KnownRoom>();
  readonly #accountData = new Map<string, string>();
  readonly #connection: string;
  #rules: Rules;
  #pos: string | undefined;

  constructor(caller: Caller, world: { server: SimServer; truth: Truth }, dice: Dice) {
    this.caller = caller;
    this.#server = world.server;
    this.#truth = world.truth;
    this.#dice = dice;
    this.#rules = dice.pick(RULES);
    this.#connection = dice.pick(['', 'main']);
  }

  get name(): string {
    return `${this.caller.userId} (sliding)`;
  }

  /** Forgets typing users after a restart of the server, which clients are not told about. */
  forgetTyping(): void {
    for (const known of this.#rooms.values()) known.typing = NOBODY;
  }

  /** Sends a request with a random window, and again if the answer is lost. */
  async step(): Promise<void> {
    if (this.#dice.chance(0.1)) this.#rules = this.#dice.pick(RULES);
    const wish = this.#wish([0, this.#dice.between(0, 4)], this.#dice.pick([1, 1, 3, 20]));
    const reply = await this.#ask(wish);
    if (!this.#dice.chance(0.15)) await this.#take(reply, wish);
  }

  /**
   * Compares the data of the device with the truth while nothing happens, for the rooms in a window and then for all
   * rooms.
   */
  async compare(marks: ReadMarks): Promise<void> {
    for (const range of [[0, 2] as const, WHOLE]) {
      const wish = this.#wish(range, this.#dice.pick([1, 5]));
      for (let i = 0; i < 2; i += 1) {
        const reply = await this.#ask(wish);
        await this.#take(reply, wish);
        if (i === 1 && Object.keys(reply.rooms).length > 0) {
          throw new Difference(
            `${this.name}: the answer has changes although nothing has happened: ${JSON.stringify(reply)}`,
          );
        }
        this.#checkList(reply, range);
      }
    }
    for (const [roomId, { membership }] of this.#rooms) {
      if (membership === 'join' && this.#truth.room(roomId).membershipOf(this.caller.userId) !== 'join')
        throw new Difference(`${this.name} is not told that ${roomId} was left`);
    }
    for (const roomId of this.#truth.roomsOf(this.caller.userId, 'join')) this.#checkRoom(this.#truth.room(roomId));
    await this.#checkFresh(marks);
  }

  #wish(range: readonly [number, number], limit: number): Wish {
    const mine = this.#truth.roomsOf(this.caller.userId, 'join');
    const subscribed = this.#dice.chance(0.3) ? this.#dice.maybe(mine) : undefined;
    const subscription = { timeline_limit: this.#dice.pick([2, 20]), required_state: [['m.room.create', '']] };
    const on = { enabled: true };
    const rules = this.#rules;
    const all = rules.map((rule) => [...rule]);
    return {
      list: { range, rules },
      body: {
        conn_id: this.#connection,
        lists: { all: { ranges: [[...range]], timeline_limit: limit, required_state: all } },
        room_subscriptions: subscribed === undefined ? {} : { [subscribed]: subscription },
        extensions: { account_data: on, receipts: on, typing: on },
      },
    };
  }

  async #ask({ body }: Wish, pos: string | undefined = this.#pos): Promise<SlidingReply> {
    const query = { pos: pos === '' ? undefined : pos, timeout: 0, set_presence: 'offline' };
    const reply = await this.#server.call(this.caller, 'POST', SLIDING_PATH, { query, body });
    if (reply.status !== 200) throw new Difference(`${this.name}: sync answers ${JSON.stringify(reply)}`);
    return reply.json as unknown as SlidingReply;
  }

  async #take(reply: SlidingReply, wish: Wish): Promise<void> {
    this.#truth.refresh();
    for (const [roomId, room] of Object.entries(reply.rooms)) await this.#takeRoom(roomId, room, wish);
    const { account_data, receipts, typing } = reply.extensions as {
      account_data?: { global?: ClientEvent[]; rooms?: Record<string, ClientEvent[]> };
      receipts?: { rooms: Record<string, ClientEvent> };
      typing?: { rooms: Record<string, ClientEvent> };
    };
    keepAccountData(this.#accountData, account_data?.global);
    for (const [roomId, events] of Object.entries(account_data?.rooms ?? {}))
      keepAccountData(this.#known(roomId).accountData, events);
    for (const [roomId, { content }] of Object.entries(receipts?.rooms ?? {})) {
      for (const [key, id] of receiptsIn(content)) this.#known(roomId).receipts.set(key, id);
    }
    for (const [roomId, { content }] of Object.entries(typing?.rooms ?? {})) {
      this.#known(roomId).typing = JSON.stringify(content);
    }
    this.#pos = reply.pos;
  }

  #known(roomId: string): KnownRoom {
    const known = this.#rooms.get(roomId);
    if (known === undefined) throw new Difference(`${this.name} is told of ${roomId} before it knows the room`);
    return known;
  }

  async #takeRoom(roomId: string, room: SlidingRoom, wish: Wish): Promise<void> {
    if (room.initial === true) this.#rooms.set(roomId, newRoom());
    const known = this.#known(roomId);
    known.membership = room.membership ?? '';
    const truth = this.#truth.room(roomId);
    const visible = new Set(truth.visible(this.caller.userId).map(({ id }) => id));
    const secret = room.timeline?.find(({ event_id }) => !visible.has(event_id));
    if (secret !== undefined) throw new Difference(`${this.name} sees ${secret.event_id} of ${roomId}`);
    if (known.membership === 'join') await this.#extend(roomId, known, room);
    if (known.membership === 'leave' || known.membership === 'ban') this.#checkLeft(truth, room);
    for (const { type, state_key = '', event_id } of room.required_state ?? []) {
      known.state.set(stateKeyOf(type, state_key), event_id);
    }
    if (room.joined_count !== undefined) known.counts.set('join', room.joined_count);
    if (room.invited_count !== undefined) known.counts.set('invite', room.invited_count);
    const isLazy = wish.list.rules.some(([, key]) => key === '$LAZY') && this.#isIn(roomId, wish);
    if (isLazy) this.#checkSenders(known, room, truth);
  }

  /**
   * Checks that a user who has left a room gets no later events, and that a user who was never in it gets only their
   * own membership.
   */
  #checkLeft(truth: RoomTruth, { required_state = [], timeline = [], name }: SlidingRoom): void {
    const { userId } = this.caller;
    // A user who has joined again since then sees more.
    if (truth.membershipOf(userId) === 'join') return;
    const end = truth.endOfMembership(userId)?.num ?? 0;
    const later = [...required_state, ...timeline].filter(
      ({ event_id, type, state_key }) =>
        (truth.byId.get(event_id)?.num ?? 0) > end && !(type === 'm.room.member' && state_key === userId),
    );
    const isNamed = name === undefined || truth.state(end).get('m.room.name|')?.content.name === name;
    if (later.length > 0 || !isNamed)
      throw new Difference(`${this.name} is told of ${truth.roomId} from outside: ${name} ${JSON.stringify(later)}`);
  }

  #isIn(roomId: string, { list }: Wish): boolean {
    return list.range === WHOLE && this.#truth.room(roomId).membershipOf(this.caller.userId) === 'join';
  }

  async #extend(roomId: string, known: KnownRoom, room: SlidingRoom): Promise<void> {
    const ids = (room.timeline ?? []).map(({ event_id }) => event_id);
    const at = known.timeline.indexOf(ids[0] ?? '');
    const isGap = at === -1 && (room.initial === true || room.limited === true);
    if (at !== -1) known.timeline.splice(at);
    else if (isGap) known.timeline.push(...(await this.#gap(roomId, known, room.prev_batch)));
    known.timeline.push(...ids);
  }

  /** Returns the events between the last known event and a timeline. */
  async #gap(roomId: string, known: KnownRoom, from: string | undefined): Promise<string[]> {
    const ids: string[] = [];
    for (let token = from; token !== undefined; ) {
      const path = `/rooms/${encodeURIComponent(roomId)}/messages`;
      const reply = await this.#server.call(this.caller, 'GET', path, { query: { from: token, dir: 'b', limit: 20 } });
      if (reply.status !== 200) return [];
      const page = reply.json as unknown as Page;
      for (const { event_id } of page.chunk) {
        if (known.timeline.includes(event_id)) return ids.reverse();
        ids.push(event_id);
      }
      token = page.end;
    }
    return ids.reverse();
  }

  #checkSenders(known: KnownRoom, { timeline = [] }: SlidingRoom, truth: RoomTruth): void {
    const state = truth.state();
    for (const { sender } of timeline) {
      const key = stateKeyOf('m.room.member', sender);
      if (known.state.get(key) !== state.get(key)?.id)
        throw new Difference(`${this.name} has ${known.state.get(key)} for ${sender}, not ${state.get(key)?.id}`);
    }
  }

  /** Checks that the list contains the rooms with the latest activity, in that order. */
  #checkList(reply: SlidingReply, [first, last]: readonly [number, number]): void {
    const { userId } = this.caller;
    const placed = [...this.#truth.rooms.values()].flatMap((room): [string, number][] => {
      const member = room.state().get(stateKeyOf('m.room.member', userId));
      const membership = room.membershipOf(userId);
      if (membership === 'join') return [[room.roomId, room.events.at(-1)?.num ?? 0]];
      if (membership === 'knock' || room.isInvited(userId)) return [[room.roomId, member?.num ?? 0]];
      return [];
    });
    const order = placed.sort((a, b) => b[1] - a[1]).map(([roomId]) => roomId);
    const rooms = (reply.lists.all?.ops[0]?.room_ids ?? []).filter((id) => placed.some(([roomId]) => roomId === id));
    // Rooms from which the user was removed may be anywhere in the list.
    expectSame(
      `${this.name}: list`,
      rooms,
      order.filter((id) => rooms.includes(id)),
    );
    if (last === WHOLE[1]) expectSame(`${this.name}: whole list`, rooms, order.slice(first));
    for (const roomId of rooms) {
      const [known, truth] = [this.#rooms.get(roomId)?.membership, this.#truth.room(roomId).membershipOf(userId)];
      if (known !== truth) throw new Difference(`${this.name}: ${known} in ${roomId}, not ${truth}`);
    }
  }

  #checkRoom(truth: RoomTruth): void {
    const { userId } = this.caller;
    const what = `${this.name} in ${truth.roomId}`;
    const known = this.#known(truth.roomId);
    expectSame(
      `${what}: timeline`,
      known.timeline,
      truth.visible(userId).map(({ id }) => id),
    );
    const wanted = [...truth.state()].filter(([, event]) => isWanted(this.#rules, event, userId));
    const place = ([key]: readonly [string, unknown]) => wanted.some(([other]) => other === key);
    const trueState = new Map(wanted.map(([key, { id }]) => [key, id]));
    expectSameEntries(`${what}: state`, new Map([...known.state].filter(place)), trueState);
    for (const membership of ['join', 'invite']) {
      const [seen, count] = [known.counts.get(membership), truth.memberCount(membership)];
      if (seen !== count) throw new Difference(`${what}: ${seen} have the membership ${membership}, not ${count}`);
    }
  }

  /** Checks that a new connection and a first `/sync` give the same data as this connection. */
  async #checkFresh(marks: ReadMarks): Promise<void> {
    const { body } = this.#wish(WHOLE, 100);
    const reply = await this.#ask({ body: { ...body, conn_id: 'fresh' }, list: { range: WHOLE, rules: [] } }, '');
    const data = reply.extensions.account_data as { rooms?: Record<string, ClientEvent[]> } | undefined;
    const typing = reply.extensions.typing as { rooms: Record<string, ClientEvent> } | undefined;
    const receipts = reply.extensions.receipts as { rooms: Record<string, ClientEvent> } | undefined;
    for (const roomId of this.#truth.roomsOf(this.caller.userId, 'join')) {
      const [known, what] = [this.#known(roomId), `${this.name} in ${roomId}`];
      const rows = data?.rooms?.[roomId] ?? [];
      const fresh = new Map(rows.map(({ type, content }) => [type, JSON.stringify(content)]));
      expectSameEntries(`${what}: account data`, known.accountData, fresh);
      const typed = JSON.stringify(typing?.rooms[roomId]?.content ?? { user_ids: [] });
      if (known.typing !== typed) throw new Difference(`${what}: typing are ${known.typing}, not ${typed}`);
      // For a new room a client gets its own receipts and those on the events in the timeline.
      const own = ([key]: readonly [string, string]) => key.includes(` ${this.caller.userId} `);
      const all = new Map(receiptsIn(receipts?.rooms[roomId]?.content ?? {}));
      const mine = (map: ReadonlyMap<string, string>) => new Map([...map].filter(own));
      expectSameEntries(`${what}: receipts`, mine(known.receipts), mine(all));
      const unread = unreadCounts(this.#truth.room(roomId), this.caller.userId, marks);
      const { notification_count, highlight_count } = reply.rooms[roomId] ?? {};
      const counts = JSON.stringify({ notification_count, highlight_count });
      if (counts !== JSON.stringify(unread))
        throw new Difference(`${what}: ${counts} unread, not ${JSON.stringify(unread)}`);
    }
  }
}

function isWanted(rules: Rules, { type, stateKey }: TrueEvent, userId: string): boolean {
  const isEverything = rules.some(([t, k]) => t === '*' && k === '*');
  const isNamed = rules.some(([t]) => t === type);
  if (isEverything && !isNamed) return true;
  return rules.some(([t, k]) => {
    if (t === '*') return k === stateKey;
    return t === type && (k === '*' || k === stateKey || (k === '$ME' && stateKey === userId));
  });
}

function newRoom(): KnownRoom {
  return {
    membership: '',
    timeline: [],
    state: new Map(),
    accountData: new Map(),
    receipts: new Map(),
    typing: NOBODY,
    counts: new Map(),
  };
}
