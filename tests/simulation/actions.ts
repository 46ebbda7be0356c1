import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import type { Dice } from '../support/dice.ts';
import type { SimServer } from './sim-server.ts';
import type { RoomTruth, Truth } from './truth.ts';
import { type ReadMarks, threadOf } from './unread.ts';

/** One request of a user. */
export interface Action {
  readonly name: string;
  readonly caller: Caller;
  readonly method: string;
  readonly path: string;
  readonly body: JsonObject;
  /** Called when the request has succeeded. */
  readonly done?: () => void;
}

export interface ActionWorld {
  readonly server: SimServer;
  readonly truth: Truth;
  readonly marks: ReadMarks;
  readonly users: readonly Caller[];
}

const WEIGHTS = {
  createRoom: 2,
  join: 6,
  invite: 5,
  leave: 2.5,
  forget: 1,
  kick: 2,
  ban: 1,
  unban: 2,
  knock: 1,
  send: 40,
  edit: 4,
  refer: 2,
  react: 5,
  thread: 8,
  redact: 6,
  state: 8,
  setting: 4,
  receipt: 10,
  typing: 4,
  accountData: 4,
  tag: 2,
  upgrade: 0.3,
  profile: 2,
};

const VERSIONS = Array.from({ length: 12 }, (_, i) => `${i + 1}`);
const VISIBILITIES = ['world_readable', 'shared', 'invited', 'joined'] as const;
const ROOMS_MAX = 14;

/** Chooses random actions of users. */
export class Actions {
  readonly #world: ActionWorld;
  readonly #dice: Dice;
  #count = 0;

  constructor(world: ActionWorld, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
  }

  next(): Action {
    for (;;) {
      const kind = this.#dice.weighted(WEIGHTS);
      const caller = this.#dice.pick(this.#world.users);
      const action = this[kind](caller);
      if (action !== undefined) return { name: kind, caller, ...action };
    }
  }

  createRoom(caller: Caller) {
    if (this.#world.truth.rooms.size >= ROOMS_MAX) return undefined;
    const initial_state = this.#dice.chance(0.5)
      ? [{ type: 'm.room.history_visibility', content: { history_visibility: this.#dice.pick(VISIBILITIES) } }]
      : [];
    const body: JsonObject = {
      preset: this.#dice.pick(['public_chat', 'private_chat', 'trusted_private_chat']),
      room_version: this.#dice.pick(VERSIONS),
      initial_state,
      invite: this.#dice.chance(0.4) ? [this.#other(caller)] : [],
      is_direct: this.#dice.chance(0.3),
      ...(this.#dice.chance(0.3) ? { power_level_content_override: { state_default: 0, invite: 0, redact: 0 } } : {}),
    };
    return post('/createRoom', body);
  }

  join() {
    return this.#inAnyRoom((room) => post(`${path(room)}/join`, {}));
  }

  invite(caller: Caller) {
    return this.#inOwnRoom(caller, (room) => post(`${path(room)}/invite`, { user_id: this.#other(caller) }));
  }

  leave(caller: Caller) {
    const { truth } = this.#world;
    const rooms = ['join', 'invite', 'knock'].flatMap((membership) => truth.roomsOf(caller.userId, membership));
    const roomId = this.#dice.maybe(rooms);
    return roomId === undefined ? undefined : post(`${path(truth.room(roomId))}/leave`, {});
  }

  forget(caller: Caller) {
    const roomId = this.#dice.maybe(this.#world.truth.roomsOf(caller.userId, 'leave'));
    return roomId === undefined ? undefined : post(`/rooms/${encodeURIComponent(roomId)}/forget`, {});
  }

  kick(caller: Caller) {
    return this.#inOwnRoom(caller, (room) => post(`${path(room)}/kick`, { user_id: this.#other(caller) }));
  }

  ban(caller: Caller) {
    return this.#inOwnRoom(caller, (room) => post(`${path(room)}/ban`, { user_id: this.#other(caller) }));
  }

  unban(caller: Caller) {
    return this.#inOwnRoom(caller, (room) => {
      const banned = this.#world.users.find(({ userId }) => room.membershipOf(userId) === 'ban');
      return banned === undefined ? undefined : post(`${path(room)}/unban`, { user_id: banned.userId });
    });
  }

  knock() {
    return this.#inAnyRoom((room) => post(`/knock/${encodeURIComponent(room.roomId)}`, {}));
  }

  send(caller: Caller) {
    const mentions: JsonObject = this.#dice.chance(0.15) ? { 'm.mentions': { user_ids: [this.#other(caller)] } } : {};
    const msgtype = this.#dice.chance(0.1) ? 'm.notice' : 'm.text';
    return this.#message(caller, 'm.room.message', () => ({ msgtype, ...mentions }));
  }

  edit(caller: Caller) {
    return this.#message(caller, 'm.room.message', (room) => this.#relation(room, 'm.replace', caller.userId));
  }

  refer(caller: Caller) {
    return this.#message(caller, 'm.room.message', (room) => this.#relation(room, 'm.reference'));
  }

  react(caller: Caller) {
    return this.#message(caller, 'm.reaction', (room) => this.#relation(room, 'm.annotation'));
  }

  thread(caller: Caller) {
    return this.#message(caller, 'm.room.message', (room) => this.#threaded(room));
  }

  redact(caller: Caller) {
    return this.#inOwnRoom(caller, (room) => {
      const isOwn = this.#dice.chance(0.7);
      const target = this.#dice.maybe(
        room.events.slice(-20).filter(({ sender }) => !isOwn || sender === caller.userId),
      );
      if (target === undefined || target.type === 'm.room.create') return undefined;
      return put(`${path(room)}/redact/${encodeURIComponent(target.id)}/${this.#mark()}`, {});
    });
  }

  state(caller: Caller) {
    const [type, content] = this.#dice.pick<[string, JsonObject]>([
      ['m.room.name', { name: this.#mark() }],
      ['m.room.name', { name: '' }],
      ['m.room.topic', { topic: this.#mark() }],
      ['test.key', { mark: this.#mark() }],
      ['test.key', { mark: 'always the same' }],
    ]);
    const key = type === 'test.key' ? this.#dice.pick(['', 'a', 'b', 'c']) : '';
    return this.#inOwnRoom(caller, (room) => put(`${path(room)}/state/${type}/${key}`, content));
  }

  setting(caller: Caller) {
    const [type, content] = this.#dice.pick<[string, JsonObject]>([
      ['m.room.history_visibility', { history_visibility: this.#dice.pick(VISIBILITIES) }],
      ['m.room.join_rules', { join_rule: this.#dice.pick(['public', 'public', 'invite', 'knock']) }],
    ]);
    return this.#inOwnRoom(caller, (room) => put(`${path(room)}/state/${type}/`, content));
  }

  receipt(caller: Caller) {
    return this.#inOwnRoom(caller, (room) => {
      const event = this.#dice.maybe(room.visible(caller.userId).slice(-12));
      if (event === undefined) return undefined;
      // A user has at most one receipt of each kind on an event, so each thread needs its own events.
      const thread_id = event.num % 2 === 0 ? '' : threadOf(event);
      const type = this.#dice.pick(['m.read', 'm.read.private']);
      return {
        ...post(`${path(room)}/receipt/${type}/${encodeURIComponent(event.id)}`, thread_id === '' ? {} : { thread_id }),
        done: () => this.#world.marks.read(caller.userId, room.roomId, thread_id, event.num),
      };
    });
  }

  typing(caller: Caller) {
    const typing = this.#dice.chance(0.6);
    const body = { typing, timeout: this.#dice.between(1_000, 60_000) };
    return this.#inOwnRoom(caller, (room) => put(`${path(room)}/typing/${encodeURIComponent(caller.userId)}`, body));
  }

  accountData(caller: Caller) {
    const of = `/user/${encodeURIComponent(caller.userId)}`;
    const data = `account_data/test.${this.#dice.pick(['one', 'two'])}`;
    // An empty object deletes the data (MSC3391).
    const body = this.#dice.chance(0.8) ? { mark: this.#mark() } : {};
    if (this.#dice.chance(0.4)) return put(`${of}/${data}`, body);
    return this.#inOwnRoom(caller, (room) => put(`${of}${path(room)}/${data}`, body));
  }

  tag(caller: Caller) {
    const of = `/user/${encodeURIComponent(caller.userId)}`;
    const body = { order: this.#dice.next() };
    return this.#inOwnRoom(caller, (room) => put(`${of}${path(room)}/tags/u.${this.#dice.pick(['x', 'y'])}`, body));
  }

  upgrade(caller: Caller) {
    if (this.#world.truth.rooms.size >= ROOMS_MAX) return undefined;
    return this.#inOwnRoom(caller, (room) => post(`${path(room)}/upgrade`, { new_version: this.#dice.pick(VERSIONS) }));
  }

  profile(caller: Caller) {
    return put(`/profile/${encodeURIComponent(caller.userId)}/displayname`, { displayname: `Name ${this.#mark()}` });
  }

  #message(caller: Caller, type: string, content: (room: RoomTruth) => JsonObject | undefined) {
    return this.#inOwnRoom(caller, (room) => {
      const given = content(room);
      const mark = this.#mark();
      if (given === undefined) return undefined;
      return put(`${path(room)}/send/${type}/${mark}`, { body: mark, msgtype: 'm.text', ...given });
    });
  }

  #relation(room: RoomTruth, rel_type: string, sender?: string): JsonObject | undefined {
    const messages = room.events.filter(
      (event) => event.type === 'm.room.message' && event.content['m.relates_to'] === undefined && !event.isRedacted,
    );
    const target = this.#dice.maybe(
      messages.slice(-6).filter((event) => sender === undefined || event.sender === sender),
    );
    if (target === undefined) return undefined;
    const key: JsonObject = rel_type === 'm.annotation' ? { key: this.#mark() } : {};
    const edited: JsonObject = rel_type === 'm.replace' ? { 'm.new_content': { body: 'new', msgtype: 'm.text' } } : {};
    return { ...edited, 'm.relates_to': { rel_type, event_id: target.id, ...key } };
  }

  #threaded(room: RoomTruth): JsonObject | undefined {
    const root = this.#threadRoot(room);
    if (root === undefined || this.#dice.chance(0.3)) return this.#relation(room, 'm.thread');
    return { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
  }

  /** Returns the root of a thread. It is the room's first message most of the time. */
  #threadRoot(room: RoomTruth): string | undefined {
    return room.events.find(({ type }) => type === 'm.room.message')?.id;
  }

  #inOwnRoom<T>(caller: Caller, make: (room: RoomTruth) => T | undefined): T | undefined {
    const roomId = this.#dice.maybe(this.#world.truth.roomsOf(caller.userId, 'join'));
    return roomId === undefined ? undefined : make(this.#world.truth.room(roomId));
  }

  #inAnyRoom<T>(make: (room: RoomTruth) => T): T | undefined {
    const room = this.#dice.maybe([...this.#world.truth.rooms.values()]);
    return room === undefined ? undefined : make(room);
  }

  #other(caller: Caller): string {
    return this.#dice.pick(this.#world.users.filter((user) => user !== caller)).userId;
  }

  #mark(): string {
    this.#count += 1;
    return `${this.#count}`;
  }
}

function path({ roomId }: RoomTruth): string {
  return `/rooms/${encodeURIComponent(roomId)}`;
}

function post(path: string, body: JsonObject) {
  return { method: 'POST', path, body };
}

function put(path: string, body: JsonObject) {
  return { method: 'PUT', path, body };
}
