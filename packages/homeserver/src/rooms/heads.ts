import { notFound } from '@hearth/protocol/errors.ts';
import { roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { LruMap } from '../platform/lru.ts';
import type { MembershipStore } from '../storage/membership-store.ts';
import type { RoomStore } from '../storage/room-store.ts';
import { Head, type HeadStores } from './head.ts';

const HEADS_MAX = 2_000;

/** The heads of the rooms in use; a bounded number of them. */
export class Heads {
  readonly #stores: HeadStores & { readonly rooms: RoomStore; readonly memberships: MembershipStore };
  readonly #ready = new LruMap<number, Head>(HEADS_MAX);
  readonly #heads = new LruMap<number, Promise<Head | undefined>>(HEADS_MAX);

  constructor(stores: HeadStores & { readonly rooms: RoomStore; readonly memberships: MembershipStore }) {
    this.#stores = stores;
  }

  /** The head of a room; `undefined` for a room that this server does not know. */
  async find(roomId: string): Promise<Head | undefined> {
    const { names } = this.#stores;
    const num = names.cachedNum(roomId) ?? (await names.find(roomId));
    return num === undefined ? undefined : this.byNum(num);
  }

  /** @throws MatrixError M_NOT_FOUND */
  async get(roomId: string): Promise<Head> {
    const head = await this.find(roomId);
    if (head === undefined) throw notFound('Unknown room');
    return head;
  }

  /** The head of a room by number. */
  byNum(num: number): Promise<Head | undefined> {
    return this.#heads.get(num) ?? this.#bring(num);
  }

  /** There is one head of a room: one that is still ready, since it was asked for without a promise, is not loaded again. */
  #bring(num: number): Promise<Head | undefined> {
    const ready = this.#ready.get(num);
    const head = ready === undefined ? this.#loadOnce(num) : Promise.resolve(ready);
    this.#heads.set(num, head);
    return head;
  }

  #loadOnce(num: number): Promise<Head | undefined> {
    const loading = this.#load(num).then((head) => {
      if (head === undefined) this.#heads.delete(num);
      else this.#ready.set(num, head);
      return head;
    });
    loading.catch(() => this.#heads.delete(num));
    return loading;
  }

  /** The head of a room if it is in memory, without a promise. */
  cached(num: number): Head | undefined {
    return this.#ready.get(num);
  }

  /** What {@link find} gives, if it is in memory. */
  known(roomId: string): Head | undefined {
    const num = this.#stores.names.cachedNum(roomId);
    return num === undefined ? undefined : this.#ready.get(num);
  }

  /** Takes in a room that was just created. */
  add(head: Head): void {
    this.#ready.set(head.num, head);
    this.#heads.set(head.num, Promise.resolve(head));
  }

  /**
   * Forgets a head that has run ahead of what could be stored; the next use loads it again. One that was loaded
   * meanwhile stays: it knows nothing of what was lost.
   */
  drop(head: Head): void {
    const current = this.#ready.get(head.num);
    if (current !== undefined && current !== head) return;
    this.#ready.delete(head.num);
    this.#heads.delete(head.num);
  }

  async #load(num: number): Promise<Head | undefined> {
    const { rooms, names, events, memberships } = this.#stores;
    const [row] = await rooms.load([num]);
    if (row === undefined) return undefined;
    const version = roomVersion(row.version);
    if (version === undefined) throw new Error(`room ${num} has the unknown version ${row.version}`);
    const extremities = await events.list(row.extremities);
    const joined = await memberships.joined(num);
    return new Head(await names.text(num), version, { row, extremities, joined }, this.#stores);
  }
}
