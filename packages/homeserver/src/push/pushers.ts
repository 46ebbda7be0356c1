import { invalidParam, userLimitExceeded } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import type { Stream } from '../storage/engine/stream.ts';
import {
  deletePushers,
  deletePushersOfDevices,
  type PusherRow,
  putPusher,
  readLastPusherNum,
  readPushers,
  readPushersOf,
  readPushersSharing,
  readUsersWithPushers,
} from '../storage/push/pushers.ts';
import type { DataRemoval } from '../users/sessions/sessions.ts';
import { type CheckedPusher, checkPusher, checkPusherKey, type PusherRequest } from './check-pusher.ts';

interface PusherParts {
  readonly database: Database;
  readonly stream: Stream;
  readonly clock: Clock;
  /** Returns whether a user may receive mail at an address. */
  readonly mayMail: (user: number, address: string) => Promise<boolean>;
}

/** The user and device that set a pusher. */
interface Owner {
  readonly user: number;
  readonly device: number;
}

const OF_USER_MAX = 100;

/** The pushers of users (client-server API, "Push Notifications"). */
export class Pushers {
  readonly #parts: PusherParts;
  /** The users who have a pusher, or had one since the start. For other users an event costs nothing. */
  readonly #users: Set<number>;
  /** A lock by key, because parallel requests may set the same key for two users. */
  readonly #serial = new Serial<string>();
  #last: number;

  private constructor(parts: PusherParts, users: readonly number[], last: number) {
    this.#parts = parts;
    this.#users = new Set(users);
    this.#last = last;
  }

  static async open(parts: PusherParts): Promise<Pushers> {
    const { database } = parts;
    return new Pushers(parts, await readUsersWithPushers(database), await readLastPusherNum(database));
  }

  /** The users who have pushers. The set changes with each pusher. */
  get users(): ReadonlySet<number> {
    return this.#users;
  }

  of(user: number): Promise<PusherRow[]> {
    return readPushers(this.#parts.database, user);
  }

  ofMany(users: readonly number[]): Promise<PusherRow[]> {
    return readPushersOf(this.#parts.database, users);
  }

  /**
   * Creates or changes a pusher, or removes it when its kind is `null`. The writes `more` are part of the same
   * transaction.
   * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM, M_USER_LIMIT_EXCEEDED
   */
  async set(owner: Owner, request: PusherRequest, more: readonly Write[] = []): Promise<void> {
    if (request.kind === null) return this.#unset(owner, request);
    const checked = checkPusher(request);
    if (checked.kind === 'email' && !(await this.#parts.mayMail(owner.user, checked.pushkey))) {
      throw invalidParam('The server does not send mail to this address');
    }
    await this.#serial.run(keyOf(request), () => this.#put(owner, checked, more));
  }

  /** Removes pushers, for instance when a gateway has rejected them. */
  async remove(pushers: readonly Pick<PusherRow, 'num' | 'user_num'>[]): Promise<void> {
    if (pushers.length === 0) return;
    const { database } = this.#parts;
    await database.commit(deletePushers(pushers.map(({ num }) => num)));
  }

  /** Removes the pushers of removed devices. It is cheap while no user has a pusher. */
  removal(devices: readonly number[]): DataRemoval {
    const writes = this.#users.size === 0 ? [] : deletePushersOfDevices(devices);
    return { writes, changes: [], committed: () => undefined };
  }

  #unset({ user }: Owner, request: PusherRequest): Promise<void> {
    checkPusherKey(request);
    return this.#serial.run(keyOf(request), async () => {
      await this.remove((await this.of(user)).filter((row) => isKey(row, request)));
    });
  }

  async #put({ user, device }: Owner, request: CheckedPusher, more: readonly Write[]): Promise<void> {
    const { database, stream, clock } = this.#parts;
    const { append, data, profile_tag, ...texts } = request;
    const own = await this.of(user);
    const known = own.find((row) => isKey(row, request));
    if (known === undefined && own.length >= OF_USER_MAX) {
      throw userLimitExceeded('about:blank', false, 'You have too many pushers');
    }
    const row: PusherRow = {
      ...texts,
      num: known?.num ?? this.#next(),
      user_num: user,
      device,
      profile_tag: profile_tag ?? null,
      data: JSON.stringify(data),
      set_ts: clock.now(),
      position: stream.current,
    };
    // The device now belongs to another user, so it must not get notifications of the former user.
    if (append !== true) await this.remove(await readPushersSharing(database, row));
    await database.commit([putPusher(row), ...more]);
    this.#users.add(user);
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }
}

function isKey(row: PusherRow, { app_id, pushkey }: PusherRequest): boolean {
  return row.app_id === app_id && row.pushkey === pushkey;
}

function keyOf({ app_id, pushkey }: PusherRequest): string {
  return `${app_id} ${pushkey}`;
}
