import { unknown } from '@hearth/protocol/errors.ts';
import { domainOf, serverOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { ClaimTexts, KeyClaims, WantedKeys } from './key-claim.ts';
import type { KeyQueries, KeyTexts, WantedDevices } from './key-query.ts';
import type { RemoteKeys } from './remote/remote-keys.ts';

/** The failures of other servers: the JSON text of an object by server name, absent without failures. */
interface Failures {
  readonly failures?: string;
}

/** The stored keys of users of other servers; see `remote/followed-keys.ts`. */
export interface FollowedUsers {
  /** Returns those users whose stored keys are current. */
  current(wanted: WantedDevices, timeoutMs?: number): Promise<ReadonlySet<string>>;
}

/** Values by user id, for users of this server and, by server, for users of other servers. */
interface ByServer<T> {
  readonly own: ReadonlyMap<string, T>;
  readonly others: ReadonlyMap<string, ReadonlyMap<string, T>>;
}

/** Keys of all users, of this server and of others (client-server API, "Key management API"). */
export class KeyLookup {
  readonly #queries: KeyQueries;
  readonly #claims: KeyClaims;
  readonly #remote: RemoteKeys | undefined;
  readonly #serverName: string;
  readonly #followed: FollowedUsers | undefined;

  /**
   * @param remote the keys of users of other servers; undefined if the server does not federate
   * @param followed the stored keys of users of other servers
   */
  constructor(
    queries: KeyQueries,
    claims: KeyClaims,
    remote: RemoteKeys | undefined,
    serverName: string,
    followed?: FollowedUsers,
  ) {
    this.#followed = followed;
    this.#queries = queries;
    this.#claims = claims;
    this.#remote = remote;
    this.#serverName = serverName;
  }

  /**
   * Returns the public keys of users as the caller may see them.
   * @param timeoutMs the time to wait for other servers
   */
  async query(
    caller: { readonly user: number; readonly userId: string },
    wanted: WantedDevices,
    timeoutMs?: number,
  ): Promise<KeyTexts & Failures> {
    const reader = { user: caller, showsDeviceNames: true };
    if (this.#areOwn(wanted)) return this.#queries.query(reader, wanted);
    const { own, others } = this.#byServer(wanted);
    const { stored, asked } = await this.#stored(others, timeoutMs);
    return this.#queryAll(this.#queries.query(reader, new Map([...own, ...stored])), asked, timeoutMs);
  }

  /**
   * Claims one-time keys.
   * @param timeoutMs the time to wait for other servers
   */
  claim(wanted: WantedKeys, timeoutMs?: number): Promise<ClaimTexts & Failures> {
    if (this.#areOwn(wanted)) return this.#claims.claim(wanted);
    const { own, others } = this.#byServer(wanted);
    return this.#claimAll(this.#claims.claim(own), others, timeoutMs);
  }

  /** Separates users whose stored keys are current from those whose servers have to be asked. */
  async #stored(others: ByServer<readonly string[]>['others'], timeoutMs: number | undefined) {
    if (this.#followed === undefined) return { stored: [], asked: others };
    const users = new Map([...others.values()].flatMap((some) => [...some]));
    const current = await this.#followed.current(users, timeoutMs);
    const asked = new Map<string, ReadonlyMap<string, readonly string[]>>();
    for (const [server, some] of others) {
      const missing = [...some].filter(([userId]) => !current.has(userId));
      if (missing.length > 0) asked.set(server, new Map(missing));
    }
    return { stored: [...users].filter(([userId]) => current.has(userId)), asked };
  }

  async #queryAll(
    own: Promise<KeyTexts>,
    others: ByServer<readonly string[]>['others'],
    timeoutMs: number | undefined,
  ): Promise<KeyTexts & Failures> {
    const remote = this.#remote?.query(others, timeoutMs);
    const [texts, answer] = await Promise.all([own, remote]);
    if (answer === undefined) return { ...texts, failures: JSON.stringify(unreachable(others)) };
    return {
      devices: joined(texts.devices, answer.devices),
      masters: joined(texts.masters, answer.masters),
      selfSigning: joined(texts.selfSigning, answer.selfSigning),
      userSigning: texts.userSigning,
      failures: JSON.stringify(answer.failures),
    };
  }

  async #claimAll(
    own: Promise<ClaimTexts>,
    others: ByServer<ReadonlyMap<string, string>>['others'],
    timeoutMs: number | undefined,
  ): Promise<ClaimTexts & Failures> {
    const remote = this.#remote?.claim(others, timeoutMs);
    const [texts, answer] = await Promise.all([own, remote]);
    if (answer === undefined) return { ...texts, failures: JSON.stringify(unreachable(others)) };
    return { keys: joined(texts.keys, answer.keys), failures: JSON.stringify(answer.failures) };
  }

  #areOwn(wanted: ReadonlyMap<string, unknown>): boolean {
    for (const userId of wanted.keys()) if (domainOf(userId) !== this.#serverName) return false;
    return true;
  }

  /** Returns the wanted values by server. Those that are not of a valid user id are left out. */
  #byServer<T>(wanted: ReadonlyMap<string, T>): ByServer<T> {
    const own = new Map<string, T>();
    const others = new Map<string, Map<string, T>>();
    for (const [userId, value] of wanted) {
      const parsed = parseUserId(userId);
      if (parsed === undefined) continue;
      const server = serverOf(parsed);
      const users = server === this.#serverName ? own : (others.get(server) ?? new Map<string, T>());
      users.set(userId, value);
      if (users !== own) others.set(server, users);
    }
    return { own, others };
  }
}

/** Renders the answer of `/keys/claim`. */
export function renderClaimAnswer({ keys, failures = '{}' }: ClaimTexts & Failures): string {
  return `{"one_time_keys":{${keys}},"failures":${failures}}`;
}

/** Renders the answer of `/keys/query`. */
export function renderQueryAnswer(answer: KeyTexts & Failures): string {
  const { devices, masters, selfSigning, userSigning, failures = '{}' } = answer;
  const others = `"self_signing_keys":{${selfSigning}},"user_signing_keys":{${userSigning}}`;
  return `{"device_keys":{${devices}},"master_keys":{${masters}},${others},"failures":${failures}}`;
}

/** Returns the failures of a server that does not federate. */
function unreachable(servers: ReadonlyMap<string, unknown>): JsonObject {
  const failure = unknown('The server of the user cannot be reached', 503).body();
  return Object.fromEntries(Array.from(servers.keys(), (server) => [server, failure]));
}

/** Returns the members of two objects as one text. */
function joined(a: string, b: string): string {
  return a === '' || b === '' ? a + b : `${a},${b}`;
}
