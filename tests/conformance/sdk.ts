import { setTimeout as sleep } from 'node:timers/promises';
import {
  createClient,
  type IStartClientOpts,
  type MatrixClient,
  type MemoryStore,
  PendingEventOrdering,
  type Room,
} from 'matrix-js-sdk';
import type { CryptoCallbacks } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { quiet } from './quiet.ts';

const READY_MS = 10_000;
const LOOK_EVERY_MS = 10;

/**
 * Calls a function repeatedly until it returns a value other than `undefined` and `false`. @throws Error after ten
 * seconds
 */
export async function until<T>(what: string, ask: () => T | undefined | false | null): Promise<T> {
  for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += LOOK_EVERY_MS) {
    const answer = ask();
    if (answer !== undefined && answer !== false && answer !== null) return answer;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`timeout while waiting until ${what}`);
}

/** The clients of a test. All of them are stopped together. */
export class Clients {
  readonly #baseUrl: () => string;
  readonly #started: MatrixClient[] = [];
  #count = 0;
  #stops = 0;

  constructor(baseUrl: () => string) {
    this.#baseUrl = baseUrl;
  }

  /** Registers a user. The client does not sync yet. */
  async register(name: string, store?: MemoryStore): Promise<MatrixClient> {
    return this.again(await this.#register(name), store);
  }

  /** Registers a guest, as a web client does for a visitor. */
  async guest(): Promise<MatrixClient> {
    const client = this.again(await this.#client({}).registerGuest());
    client.setGuest(true);
    return client;
  }

  /** Returns a client for an existing session. */
  again(
    session: { user_id: string; access_token?: string; device_id?: string },
    store?: MemoryStore,
    cryptoCallbacks?: CryptoCallbacks,
  ): MatrixClient {
    const { user_id: userId, access_token: accessToken = '', device_id: deviceId = '' } = session;
    return this.#client({
      userId,
      accessToken,
      deviceId,
      ...(store === undefined ? {} : { store }),
      ...(cryptoCallbacks === undefined ? {} : { cryptoCallbacks }),
    });
  }

  /** Registers a user whose client encrypts and syncs. */
  async encrypted(name: string, callbacks: CryptoCallbacks = {}): Promise<MatrixClient> {
    return this.#encrypting(await this.#register(name), callbacks);
  }

  /** Logs a user in on another device that has only the password. */
  async encryptedAgain(client: MatrixClient, callbacks: CryptoCallbacks = {}): Promise<MatrixClient> {
    const user = client.getUserIdLocalpart() ?? '';
    const session = await this.#client({}).loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password: user,
    });
    return this.#encrypting(session, callbacks);
  }

  #register(name: string) {
    this.#count += 1;
    const username = `${name}${this.#count}`;
    return this.#client({}).registerRequest({ username, password: username, auth: { type: 'm.login.dummy' } });
  }

  async #encrypting(session: Parameters<Clients['again']>[0], callbacks: CryptoCallbacks): Promise<MatrixClient> {
    const client = this.again(session, undefined, callbacks);
    await client.initRustCrypto({ useIndexedDB: false });
    return this.sync(client, { lazyLoadMembers: false });
  }

  /** Registers a user whose client syncs. */
  async start(name: string, options: IStartClientOpts = {}): Promise<MatrixClient> {
    return this.sync(await this.register(name), options);
  }

  /** Starts a client's sync loop and waits for its first answer. */
  async sync(client: MatrixClient, options: IStartClientOpts = {}): Promise<MatrixClient> {
    this.#started.push(client);
    await client.startClient({
      threadSupport: true,
      lazyLoadMembers: true,
      pollTimeout: 5_000,
      pendingEventOrdering: PendingEventOrdering.Detached,
      ...options,
    });
    await until('the first sync is done', () => client.isInitialSyncComplete());
    return client;
  }

  /** Ends every sync loop. */
  stop(): void {
    for (const client of this.#started.splice(0)) client.stopClient();
    this.#stops += 1;
  }

  /**
   * Returns a `fetch` whose failures are ignored after the clients were stopped, because they may still send requests
   * in the background.
   */
  #fetch(): typeof fetch {
    const stops = this.#stops;
    return (input, init) =>
      fetch(input, init).catch((error: unknown) => {
        if (this.#stops > stops) return new Promise<never>(() => undefined);
        throw error;
      });
  }

  #client(session: Partial<Parameters<typeof createClient>[0]>): MatrixClient {
    return createClient({
      baseUrl: this.#baseUrl(),
      logger: quiet,
      timelineSupport: true,
      fetchFn: this.#fetch(),
      ...session,
    });
  }
}

/** Waits until a client has a room. */
export function roomOf(client: MatrixClient, roomId: string, membership = 'join'): Promise<Room> {
  return until(`${client.getUserId()} sees ${roomId} (${membership})`, () => {
    const room = client.getRoom(roomId);
    return room?.getMyMembership() === membership ? room : undefined;
  });
}

/** Returns the texts of the messages in a room's live timeline and in the pages before it. */
export function textsIn(room: Room): string[] {
  return room
    .getLiveTimeline()
    .getEvents()
    .filter((event) => event.getType() === 'm.room.message')
    .map((event) => String(event.getContent().body));
}
