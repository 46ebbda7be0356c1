import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Destinations } from '../../federation/client/destinations.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { backOffMs } from '../../platform/back-off.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import { KeyedTasks } from '../../platform/concurrency/keyed-tasks.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import {
  deleteRemoteDevices,
  putRemoteDevice,
  putRemoteList,
  type RemoteListRow,
  readRemoteDevices,
  readStaleLists,
} from '../../storage/encryption/remote-device-lists.ts';
import type { Database, Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import { checkedList, type RemoteList } from './checked-list.ts';
import type { RemoteDeviceLists } from './remote-device-lists.ts';

interface Parts {
  readonly database: Database;
  readonly names: Names;
  readonly client: Pick<FederationClient, 'request'>;
  readonly destinations: Destinations;
  readonly clock: Clock;
  readonly lists: RemoteDeviceLists;
  /** A lock for the changes of one list. */
  readonly serial: Serial<number>;
}

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** The number of lists that are fetched at the same time in the background. */
const USERS_MAX = 20;
/** The time until a list that could not be fetched is tried again. It doubles with each failure. */
const RETRY_MS_MIN = 10_000;
const RETRY_MS_MAX = 60 * 60_000;

const EMPTY: RemoteList = { streamId: 0, devices: [], master: null, selfSigning: null };

/** Fetches stale device lists of users of other servers, one request at a time for each user. */
export class ListFetcher {
  readonly #parts: Parts;
  readonly #tasks: KeyedTasks<number>;
  readonly #running = new InFlight<number, void>();
  /** The users whose lists are fetched, with whether the list has become older since the request. */
  readonly #isOutdated = new Map<number, boolean>();
  /** The failures of users whose lists could not be fetched, and these users by server. */
  readonly #failures = new Map<number, number>();
  readonly #waiting = new Map<string, Set<number>>();

  constructor(parts: Parts, background: Background) {
    this.#parts = parts;
    const { clock, destinations, lists } = parts;
    const limits = { runningMax: USERS_MAX, errorWaitMs: RETRY_MS_MIN };
    this.#tasks = new KeyedTasks({ clock, background, name: 'fetching device lists', ...limits }, (user) =>
      this.#run(user),
    );
    lists.observeWith((user, isNew) => {
      if (!isNew && this.#isOutdated.has(user)) this.#isOutdated.set(user, true);
      this.#tasks.wake([user]);
    });
    destinations.onAlive((server) => {
      for (const user of this.#waiting.get(server) ?? []) this.#tasks.endWait(user);
      this.#waiting.delete(server);
    });
  }

  /** Fetches the lists that were stale when the process ended. */
  async start(): Promise<void> {
    this.#tasks.wake(await readStaleLists(this.#parts.database));
  }

  close(): void {
    this.#tasks.close();
  }

  /** Fetches the list of a user now. Requests at the same time share one fetch. @throws FederationError */
  fetch(user: number): Promise<void> {
    return this.#running.run(user, () => this.#fetch(user));
  }

  /** Fetches a list until it is current. Returns the time to wait if its server does not answer. */
  async #run(user: number): Promise<number | undefined> {
    while (!this.#tasks.isClosed) {
      const list = await this.#parts.lists.one(user);
      if (list === undefined || list.stale_ts === null) break;
      try {
        await this.fetch(user);
      } catch (error) {
        if (!(error instanceof FederationError)) throw error;
        return this.#failed(user, error);
      }
    }
    this.#failures.delete(user);
    return undefined;
  }

  async #failed(user: number, { kind }: FederationError): Promise<number | undefined> {
    const { names, destinations, lists } = this.#parts;
    // These lists are never fetched: queries for keys ask the server each time.
    if (kind === 'not-permitted' || kind === 'over-limit') {
      await lists.forget([user]);
      return undefined;
    }
    const failures = (this.#failures.get(user) ?? 0) + 1;
    this.#failures.set(user, failures);
    const server = domainOf(await names.text(user)) ?? '';
    const waiting = this.#waiting.get(server) ?? new Set<number>();
    this.#waiting.set(server, waiting.add(user));
    return Math.max(destinations.waitMs(server), backOffMs(failures, RETRY_MS_MIN, RETRY_MS_MAX));
  }

  async #fetch(user: number): Promise<void> {
    const { names, serial, lists } = this.#parts;
    this.#isOutdated.set(user, false);
    try {
      // Another fetch may just have ended.
      const stored = await lists.one(user);
      if (stored === undefined || stored.stale_ts === null) return;
      const list = await this.#request(await names.text(user));
      await serial.run(user, () => this.#store(user, list, this.#isOutdated.get(user) === true));
    } finally {
      this.#isOutdated.delete(user);
    }
  }

  /** Returns the list of a user. A user whom the server does not know has no devices. */
  async #request(userId: string): Promise<RemoteList> {
    try {
      const answer = await this.#parts.client.request(domainOf(userId) ?? '', {
        method: 'GET',
        path: `/_matrix/federation/v1/user/devices/${encodeURIComponent(userId)}`,
        timeoutMs: TIMEOUT_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
      return checkedList(answer, userId);
    } catch (error) {
      if (error instanceof FederationError && error.status === 404 && error.errcode === 'M_NOT_FOUND') return EMPTY;
      throw error;
    }
  }

  /** Stores a list in place of the old one. Clients learn of a difference, unless there was no list before. */
  async #store(user: number, list: RemoteList, isOutdated: boolean): Promise<void> {
    const { database, lists } = this.#parts;
    const before = await lists.one(user);
    // The user may share no room any more.
    if (before === undefined) return;
    const old = await readRemoteDevices(database, [user]);
    const { streamId, master, selfSigning } = list;
    const row: RemoteListRow = {
      user_num: user,
      stream_id: streamId,
      stale_ts: isOutdated ? before.stale_ts : null,
      master,
      self_signing: selfSigning,
    };
    const devices = list.devices.map(({ deviceId, name, json }) => ({
      user_num: user,
      device_id: deviceId,
      display_name: name,
      json,
    }));
    const writes: Write[] = [putRemoteList(row), deleteRemoteDevices([user]), ...devices.map(putRemoteDevice)];
    const isFirst = before.stream_id === 0 && before.master === null && old.length === 0;
    const keysOf = (some: RemoteListRow) => [some.master, some.self_signing];
    const isSame = textOf(keysOf(before), old) === textOf(keysOf(row), devices);
    if (isFirst || isSame) await lists.store(user, writes);
    else await lists.announce(user, writes);
  }
}

/** Returns a text that is the same for equal keys. */
function textOf(crossSigning: unknown, devices: readonly { readonly device_id: string }[]): string {
  const sorted = devices.toSorted((a, b) => (a.device_id < b.device_id ? -1 : 1));
  return JSON.stringify([crossSigning, sorted]);
}
