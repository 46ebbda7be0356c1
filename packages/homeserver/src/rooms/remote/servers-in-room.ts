import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { RoomServers } from '../../storage/rooms/room-servers.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { PartialStates } from '../partial-state/partial-states.ts';
import type { RemotePeeks } from '../peeking/remote-peeks.ts';

/** The number of servers that are listed with an alias. */
const CANDIDATES_MAX = 100;

/**
 * The servers that take part in rooms: those with at least one joined user. While the state of a room is partial, these are
 * also the servers that were there when this server joined.
 */
export class ServersInRooms {
  readonly #heads: Heads;
  readonly #names: Names;
  readonly #roomServers: RoomServers;
  readonly #partialStates: PartialStates;
  readonly #peeks: Pick<RemotePeeks, 'has' | 'of'>;
  readonly serverName: string;

  constructor(
    stores: { readonly heads: Heads; readonly names: Names; readonly roomServers: RoomServers },
    known: { readonly partialStates: PartialStates; readonly peeks: Pick<RemotePeeks, 'has' | 'of'> },
    serverName: string,
  ) {
    this.#heads = stores.heads;
    this.#names = stores.names;
    this.#roomServers = stores.roomServers;
    this.#partialStates = known.partialStates;
    this.#peeks = known.peeks;
    this.serverName = serverName;
  }

  /** Returns the servers of the joined users of a room, this server included. */
  async of(head: Head): Promise<ReadonlySet<string>> {
    for (;;) {
      if (head.servers !== undefined) return head.servers;
      const { joined } = head;
      const count = joined.size;
      const userIds = await this.#names.texts(joined);
      const servers = new Set(this.#partialStates.of(head.num)?.servers);
      for (const userId of userIds.values()) servers.add(domainOf(userId) ?? '');
      // The members may have changed during the query. Every change clears the cached value.
      if (joined.size !== count) continue;
      head.servers = servers;
    }
  }

  /** Returns the other servers in a room, that through which this server peeks into the room first. */
  async others(head: Head): Promise<string[]> {
    const peeked = this.#peeks.of(head.num)?.server;
    const all = new Set([...(peeked === undefined ? [] : [peeked]), ...(await this.of(head))]);
    all.delete(this.serverName);
    return [...all];
  }

  /** Returns servers through which a room can be joined, this one first if it is in the room. */
  async candidates(head: Head): Promise<string[]> {
    const all = await this.of(head);
    const others = [...all].filter((server) => server !== this.serverName).slice(0, CANDIDATES_MAX - 1);
    return all.has(this.serverName) ? [this.serverName, ...others] : others;
  }

  /** Returns whether a user of this server has joined a room. */
  async isLocal(head: Head): Promise<boolean> {
    return (await this.of(head)).has(this.serverName);
  }

  /** Returns the user ids of the joined users of this server. */
  async localMembers(head: Head): Promise<string[]> {
    const userIds = await this.#names.texts(head.joined);
    return [...userIds.values()].filter((userId) => domainOf(userId) === this.serverName);
  }

  /**
   * Returns whether this server decides about events of a room: one of its users has joined, or nobody has and this
   * server knows the state, because the last member was one of its users.
   */
  async decides(head: Head): Promise<boolean> {
    if (await this.isLocal(head)) return true;
    if (this.#peeks.has(head.num)) return false;
    const isEmpty = head.joined.size === 0 && this.#partialStates.of(head.num) === undefined;
    return isEmpty && head.row.extremities.length > 0;
  }

  /** Returns whether a server has, or had at some time, joined users in a room. */
  wasIn(server: string, head: Head): Promise<boolean> {
    return this.#roomServers.has(server, head.num);
  }

  /** Returns the heads of the rooms in which a server has joined users. */
  async roomsOf(server: string): Promise<Head[]> {
    const nums = await this.#roomServers.roomsOf(server);
    await this.#heads.ensure(nums);
    const shared: Head[] = [];
    for (const num of nums) {
      const head = await this.#heads.byNum(num);
      if (head !== undefined && (await this.of(head)).has(server)) shared.push(head);
    }
    return shared;
  }
}
