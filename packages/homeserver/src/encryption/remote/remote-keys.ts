import { MatrixError, unknown } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { remoteFailure } from '../../federation/client/remote-failure.ts';
import type { Clock } from '../../platform/clock.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import { withinTime } from '../../platform/concurrency/within-time.ts';
import type { ClaimTexts, WantedKeys } from '../key-claim.ts';
import type { KeyTexts, WantedDevices } from '../key-query.ts';
import { checkedClaim } from './checked-claim.ts';
import { checkedQuery } from './checked-query.ts';

/** The failures of servers, as standard errors by server name. */
interface Failures {
  readonly failures: JsonObject;
}

/** Wanted keys by server. */
type ByServer<Wanted> = ReadonlyMap<string, Wanted>;

/** The time to wait for other servers if the client states none (client-server API, `POST /keys/query`). */
const WAIT_MS = 10_000;
const WAIT_MS_MAX = 30_000;
const SERVERS_MAX = 500;
/** The length of the answer of one server: a maximum for each user, and one for all. */
const USER_BYTES_MAX = 1024 * 1024;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** The length of the answers of all servers to one request, in UTF-16 code units. */
const TEXT_MAX = 32 * 1024 * 1024;

/** Keys of users of other servers that are not stored. Each request asks their servers. */
export class RemoteKeys {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #clock: Clock;
  readonly #queries = new InFlight<string, KeyTexts>();

  constructor(client: Pick<FederationClient, 'request'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Returns the public keys of users. User-signing keys are never among them. */
  async query(wanted: ByServer<WantedDevices>, timeoutMs?: number): Promise<KeyTexts & Failures> {
    const { answers, failures } = await this.#askAll(wanted, timeoutMs, (server, users, waitMs) => {
      const content = { device_keys: Object.fromEntries(Array.from(users, ([id, devices]) => [id, [...devices]])) };
      return this.#queries.run(`${server} ${JSON.stringify(content)}`, async () =>
        checkedQuery(await this.#ask(server, 'query', content, users.size, waitMs), users),
      );
    });
    return {
      devices: texts(answers, ({ devices }) => devices),
      masters: texts(answers, ({ masters }) => masters),
      selfSigning: texts(answers, ({ selfSigning }) => selfSigning),
      userSigning: '',
      failures,
    };
  }

  /** Claims one-time keys. */
  async claim(wanted: ByServer<WantedKeys>, timeoutMs?: number): Promise<ClaimTexts & Failures> {
    const { answers, failures } = await this.#askAll(wanted, timeoutMs, async (server, users, waitMs) => {
      const content = {
        one_time_keys: Object.fromEntries(Array.from(users, ([id, devices]) => [id, Object.fromEntries(devices)])),
      };
      return { keys: checkedClaim(await this.#ask(server, 'claim', content, users.size, waitMs), users) };
    });
    return { keys: texts(answers, ({ keys }) => keys), failures };
  }

  /** Asks each server at the same time, and waits for the answers until the time is over. */
  async #askAll<Wanted, Answer extends object>(
    wanted: ByServer<Wanted>,
    timeoutMs: number | undefined,
    ask: (server: string, users: Wanted, waitMs: number) => Promise<Answer>,
  ): Promise<{ readonly answers: readonly Answer[] } & Failures> {
    const waitMs = Math.min(Math.max(timeoutMs ?? WAIT_MS, 0), WAIT_MS_MAX);
    const failures: JsonObject = {};
    const answers: Answer[] = [];
    let length = 0;
    const askOne = async (server: string, users: Wanted, count: number): Promise<void> => {
      try {
        if (count >= SERVERS_MAX) throw unknown('The request is about users of too many servers', 503);
        const answer = await withinTime(this.#clock, waitMs, () => ask(server, users, waitMs), late);
        length += lengthOf(answer);
        if (length > TEXT_MAX) throw unknown('The answers of the servers are too long', 503);
        answers.push(answer);
      } catch (error) {
        const failure = remoteFailure(error, server);
        if (!(failure instanceof MatrixError)) throw failure;
        failures[server] = failure.body();
      }
    };
    await Promise.all(Array.from(wanted, ([server, users], i) => askOne(server, users, i)));
    return { answers, failures };
  }

  #ask(server: string, name: string, content: JsonObject, users: number, waitMs: number): Promise<JsonObject> {
    return this.#client.request(server, {
      method: 'POST',
      path: `/_matrix/federation/v1/user/keys/${name}`,
      content,
      // A client with a short timeout must not make the server count as one that does not answer.
      timeoutMs: Math.max(waitMs, WAIT_MS),
      answerBytesMax: Math.min(users * USER_BYTES_MAX, ANSWER_BYTES_MAX),
    });
  }
}

const late = () => new FederationError('no-answer', 'the time is over');

/** Returns the members of many objects as one text. */
function texts<Answer>(answers: readonly Answer[], textOf: (answer: Answer) => string): string {
  return answers
    .map(textOf)
    .filter((text) => text !== '')
    .join(',');
}

function lengthOf(answer: object): number {
  return Object.values(answer).reduce((sum: number, text: unknown) => sum + String(text).length, 0);
}
