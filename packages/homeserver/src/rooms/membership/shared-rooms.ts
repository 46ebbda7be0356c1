import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { NOT_LOADED } from '../../platform/lookups/source.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { PartialStates } from '../partial-state/partial-states.ts';
import { aclPermits } from '../receive/acl.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { UserRooms } from './user-rooms.ts';

interface Parts {
  readonly heads: Heads;
  readonly names: Names;
  readonly userRooms: UserRooms;
  readonly servers: ServersInRooms;
  readonly partialStates: PartialStates;
}

const NOBODY: ReadonlySet<number> = new Set();
/** The number of heads that are loaded together. */
const HEADS_AT_ONCE = 200;

/** The rooms that users of this server share with users of other servers, for everything that is no event. */
export class SharedRooms {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns a room about which a server may send EDUs: users of both servers have joined it, and its ACL allows the
   * server (MSC4163). Returns undefined for other rooms.
   */
  async roomWith(server: string, roomId: string): Promise<Head | undefined> {
    const head = await this.#parts.heads.find(roomId);
    if (head === undefined || !(await this.#isShared(head))) return undefined;
    const present = await this.#parts.servers.of(head);
    return present.has(server) && (await aclPermits(head, server)) ? head : undefined;
  }

  /**
   * Returns the number of a user of a server who has joined a room; undefined for other users. While members of the room
   * are not known, its servers are believed.
   */
  async joinedUser(server: string, head: Head, userId: string): Promise<number | undefined> {
    const { names, partialStates } = this.#parts;
    if (domainOf(userId) !== server) return undefined;
    const user = await names.find(userId);
    if (user !== undefined && head.joined.has(user)) return user;
    if (partialStates.of(head.num)?.servers.has(server) !== true || parseUserId(userId) === undefined) return undefined;
    return (await head.state('m.room.member', userId)) === undefined ? names.reserve(userId) : undefined;
  }

  /** Returns whether a user is of this server, or is not cached, so that only a query could tell. */
  mayBeLocal(user: number): boolean {
    const { names, servers } = this.#parts;
    const userId = names.textSource.peek(user);
    return userId === NOT_LOADED || domainOf(userId) === servers.serverName;
  }

  /** Returns whether some members of a room are not known yet. */
  isPartial(room: number): boolean {
    return this.#parts.partialStates.of(room) !== undefined;
  }

  /** Returns the rooms of a server of which some members are not known yet. */
  partialRoomsOf(server: string): number[] {
    return [...this.#parts.partialStates.all()].flatMap(({ num, servers }) => (servers.has(server) ? num : []));
  }

  /** Returns the joined users of a room. */
  async membersOf(room: number): Promise<ReadonlySet<number>> {
    return (await this.#parts.heads.byNum(room))?.joined ?? NOBODY;
  }

  /** Returns whether a user of this server has joined a room. */
  async isLocal(room: number): Promise<boolean> {
    const head = await this.#parts.heads.byNum(room);
    return head !== undefined && this.#isShared(head);
  }

  /** Returns the other servers in a room. */
  async serversIn(room: number): Promise<readonly string[]> {
    const head = await this.#parts.heads.byNum(room);
    return head === undefined ? [] : this.#parts.servers.others(head);
  }

  /**
   * Returns the other servers that share a room with a user.
   * @param except the number of a room that does not count
   */
  async serversOf(user: number, except?: number): Promise<ReadonlySet<string>> {
    const inRooms = this.#parts.servers;
    const servers = new Set<string>();
    for await (const head of this.#joinedRooms(user)) {
      if (head.num === except) continue;
      for (const server of await inRooms.others(head)) servers.add(server);
    }
    return servers;
  }

  /**
   * Returns whether a user of another server shares a room with a user of this server.
   * @param except the number of a room that does not count
   */
  async isShared(user: number, except?: number): Promise<boolean> {
    for await (const head of this.#joinedRooms(user))
      if (head.num !== except && (await this.#isShared(head))) return true;
    return false;
  }

  #isShared(head: Head): Promise<boolean> {
    return this.#parts.servers.isLocal(head);
  }

  async *#joinedRooms(user: number): AsyncGenerator<Head> {
    const { heads, userRooms } = this.#parts;
    const rows = [...(await userRooms.of(user)).values()].filter(({ membership }) => membership === 'join');
    for (let from = 0; from < rows.length; from += HEADS_AT_ONCE) {
      const nums = rows.slice(from, from + HEADS_AT_ONCE).map(({ room }) => room);
      await heads.ensure(nums);
      for (const num of nums) {
        const head = await heads.byNum(num);
        if (head !== undefined) yield head;
      }
    }
  }
}
