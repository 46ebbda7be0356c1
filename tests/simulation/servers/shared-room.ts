import type { Caller } from '../../../packages/homeserver/src/http/route.ts';
import { STANDING } from '../../../packages/homeserver/src/storage/rooms/events/stored-event.ts';
import type { JsonObject } from '../../../packages/protocol/src/json/value.ts';
import type { Dice } from '../../support/dice.ts';
import type { SimServer } from '../sim-server.ts';
import { eventsOf } from './room-copy.ts';

/** A user of a simulated server. */
export interface SimUser {
  readonly server: SimServer;
  readonly caller: Caller;
  /** Whether nobody removes the user from a room, except the resolution of states. */
  readonly isResident: boolean;
}

/** A room on several servers. */
export interface SharedRoom {
  readonly roomId: string;
  readonly version: string;
  readonly creator: SimUser;
}

/** A request of a client. */
export interface RoomAction {
  readonly user: SimUser;
  readonly name: string;
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: JsonObject;
  readonly query?: Record<string, string>;
}

const WEIGHTS = {
  message: 10,
  topic: 2,
  state: 3,
  levels: 1.5,
  joinRules: 0.7,
  join: 3,
  leave: 1,
  invite: 1,
  kick: 0.7,
  ban: 0.7,
  unban: 0.7,
  redact: 0.7,
};

/** Picks what users do in shared rooms. */
export class RoomActions {
  readonly #rooms: readonly SharedRoom[];
  readonly #users: readonly SimUser[];
  readonly #dice: Dice;
  #count = 0;

  constructor(rooms: readonly SharedRoom[], users: readonly SimUser[], dice: Dice) {
    this.#rooms = rooms;
    this.#users = users;
    this.#dice = dice;
  }

  async next(): Promise<RoomAction | undefined> {
    const user = this.#dice.pick(this.#users);
    const kind = this.#dice.weighted(WEIGHTS);
    const room = this.#dice.pick(this.#rooms);
    if (!user.server.isRunning) return undefined;
    const request = await this[kind](room, user);
    return request === undefined ? undefined : { user, name: kind, ...request };
  }

  /** Returns the request that sends a message with a text. */
  say({ roomId }: SharedRoom, text: string) {
    this.#count += 1;
    const path = `${pathOf(roomId)}/send/m.room.message/t${this.#count}`;
    return { method: 'PUT' as const, path, body: { msgtype: 'm.text', body: text } };
  }

  message(room: SharedRoom, { caller }: SimUser) {
    return this.say(room, `${caller.userId} ${this.#count}`);
  }

  topic(room: SharedRoom) {
    return this.#set(room, this.#dice.pick(['m.room.topic', 'm.room.name']), '', { topic: this.#unique() });
  }

  state(room: SharedRoom) {
    return this.#set(room, 'org.example.state', this.#dice.pick(['a', 'b', 'c']), { value: this.#unique() });
  }

  joinRules(room: SharedRoom) {
    return this.#set(room, 'm.room.join_rules', '', { join_rule: this.#dice.pick(['public', 'public', 'invite']) });
  }

  /** Changes the power of some user, as the server of the sender knows the powers. */
  async levels(room: SharedRoom, user: SimUser) {
    const path = `${pathOf(room.roomId)}/state/m.room.power_levels/`;
    const { status, json } = await user.server.call(user.caller, 'GET', path);
    if (status !== 200) return undefined;
    const levels = json as { users?: Record<string, number> };
    const { userId } = this.#dice.pick(this.#users).caller;
    if (userId === room.creator.caller.userId) return undefined;
    const users = { ...levels.users, [userId]: this.#dice.pick([0, 25, 50, 75]) };
    return { method: 'PUT' as const, path, body: { ...levels, users } };
  }

  join({ roomId }: SharedRoom) {
    const via = this.#dice.pick(this.#users.filter(({ isResident }) => isResident)).caller.userId;
    const query = { server_name: via.slice(via.indexOf(':') + 1) };
    return { method: 'POST' as const, path: `/join/${encodeURIComponent(roomId)}`, body: {}, query };
  }

  leave({ roomId }: SharedRoom, { isResident }: SimUser) {
    return isResident ? undefined : { method: 'POST' as const, path: `${pathOf(roomId)}/leave`, body: {} };
  }

  invite(room: SharedRoom) {
    return this.#toDrifter(room, 'invite');
  }

  kick(room: SharedRoom) {
    return this.#toDrifter(room, 'kick');
  }

  ban(room: SharedRoom) {
    return this.#toDrifter(room, 'ban');
  }

  unban(room: SharedRoom) {
    return this.#toDrifter(room, 'unban');
  }

  redact({ roomId }: SharedRoom, { server }: SimUser) {
    const messages = [...eventsOf(server.database, roomId).values()].filter(({ type }) => type === 'm.room.message');
    const recent = messages.slice(-10);
    const target = this.#dice.maybe(recent.filter(({ standing }) => standing === STANDING.accepted));
    if (target === undefined) return undefined;
    const path = `${pathOf(roomId)}/redact/${encodeURIComponent(target.id)}/r${this.#unique()}`;
    return { method: 'PUT' as const, path, body: {} };
  }

  #toDrifter({ roomId }: SharedRoom, name: string) {
    const drifters = this.#users.filter(({ isResident }) => !isResident);
    const body = { user_id: this.#dice.pick(drifters).caller.userId };
    return { method: 'POST' as const, path: `${pathOf(roomId)}/${name}`, body };
  }

  #set({ roomId }: SharedRoom, type: string, key: string, body: JsonObject) {
    return { method: 'PUT' as const, path: `${pathOf(roomId)}/state/${type}/${key}`, body };
  }

  #unique(): string {
    this.#count += 1;
    return String(this.#count);
  }
}

export function pathOf(roomId: string): string {
  return `/rooms/${encodeURIComponent(roomId)}`;
}
