import type { Clock } from '../../platform/clock.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import { putDeviceListChange } from '../../storage/encryption/device-lists.ts';
import {
  addList,
  deleteRemoteLists,
  markListStale,
  type RemoteListRow,
  readListOwners,
  readRemoteLists,
} from '../../storage/encryption/remote-device-lists.ts';
import type { Database, Write } from '../../storage/engine/database.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { KeyDirectory } from '../key-directory.ts';

interface Parts {
  readonly database: Database;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly keyDirectory: KeyDirectory;
  /** A lock for the changes of one list. */
  readonly serial: Serial<number>;
}

/** The effect of an update on a current list: the writes, nothing because it is known already, or a gap. */
export type UpdateEffect = readonly Write[] | 'known' | 'gap';

/** An observer of lists that have to be fetched. `isNew`: the list was added; otherwise it has become older. */
type StaleObserver = (user: number, isNew: boolean) => void;

/**
 * The stored device lists of users of other servers who share a room with a user of this server (server-server API,
 * "Device Management"). A list is current, or stale and has to be fetched.
 */
export class RemoteDeviceLists {
  readonly #parts: Parts;
  #observer: StaleObserver | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Sets the observer of lists that have to be fetched. It is also called when a stale list becomes older. */
  observeWith(observer: StaleObserver): void {
    this.#observer = observer;
  }

  /** Returns the lists of those users who have one. */
  of(users: readonly number[]): Promise<RemoteListRow[]> {
    return users.length === 0 ? Promise.resolve([]) : readRemoteLists(this.#parts.database, users);
  }

  /** Returns the list of a user. */
  async one(user: number): Promise<RemoteListRow | undefined> {
    return (await this.of([user]))[0];
  }

  /**
   * Applies an update of a user's server, and announces it to clients. A user without a list gets none.
   * @param effectOn returns the effect of the update on a current list
   * @param hasKeys whether the update changes keys; others are not announced for a user without a list
   */
  update(user: number, effectOn: (list: RemoteListRow) => UpdateEffect, hasKeys: boolean): Promise<void> {
    const { serial, clock } = this.#parts;
    return serial.run(user, async () => {
      const list = await this.one(user);
      if (list === undefined) return hasKeys ? this.announce(user, []) : undefined;
      const effect = list.stale_ts === null ? effectOn(list) : 'gap';
      if (effect === 'known') return;
      if (effect !== 'gap') return this.announce(user, effect);
      await this.announce(user, list.stale_ts === null ? [markListStale(user, clock.now())] : []);
      this.#observer?.(user, false);
    });
  }

  /** Adds lists for users who have none, so that they are fetched. */
  async add(users: readonly number[]): Promise<void> {
    const { database, clock } = this.#parts;
    const now = clock.now();
    if (users.length > 0) await database.commit(users.map((user) => addList(user, now)));
    for (const user of users) this.#observer?.(user, true);
  }

  /** Marks the lists of users as stale, so that they are fetched, and adds missing ones. */
  async makeStale(users: readonly number[]): Promise<void> {
    const { database, clock } = this.#parts;
    const now = clock.now();
    if (users.length > 0) await database.commit(users.map((user) => markListStale(user, now)));
    for (const user of users) this.#observer?.(user, false);
  }

  /** Deletes lists of users with whom no room is shared any more. */
  async forget(users: readonly number[]): Promise<void> {
    const { database, keyDirectory } = this.#parts;
    if (users.length === 0) return;
    await database.commit(deleteRemoteLists(users));
    for (const user of users) keyDirectory.changed(user);
  }

  /** Returns users with lists, in the order of their numbers. */
  owners(after: number, limit: number): Promise<number[]> {
    return readListOwners(this.#parts.database, after, limit);
  }

  /** Stores writes that change no keys that clients know. */
  async store(user: number, writes: readonly Write[]): Promise<void> {
    const { stream, keyDirectory } = this.#parts;
    await stream.commit(writes, [], () => keyDirectory.changed(user));
  }

  /** Stores writes as a change of a user's device list that clients get. */
  async announce(user: number, writes: readonly Write[]): Promise<void> {
    const { stream, keyDirectory } = this.#parts;
    const position = stream.next();
    await stream.commit(
      [...writes, putDeviceListChange(user, position)],
      [{ kind: 'device-list', position, user }],
      () => keyDirectory.changed(user),
    );
  }
}
