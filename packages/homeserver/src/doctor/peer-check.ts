import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { readJson } from '../federation/client/read-json.ts';
import { ANSWER_BYTES_MAX, parseKeyAnswer } from '../federation/keys/key-answer.ts';
import type { Clock } from '../platform/clock.ts';
import { withinTime } from '../platform/concurrency/within-time.ts';
import { dateText } from '../platform/date-text.ts';
import { errorText } from '../platform/error-text.ts';
import type { HttpsPool } from '../platform/outbound/https-pool.ts';
import { type IncomingReply, tookTooLong } from '../platform/outbound/reply.ts';
import { checkCertificate } from './certificate-check.ts';
import type { Finding } from './finding.ts';
import type { ReachableTarget } from './name-check.ts';

const TIMEOUT_MS = 10_000;
/** The difference of clocks that is not remarkable. */
const CLOCK_SKEW_MS_MAX = 30_000;

interface Answer {
  readonly reply: IncomingReply;
  readonly body: JsonObject;
}

/** Checks what a server answers at one of its addresses. */
export class PeerCheck {
  readonly #pool: HttpsPool;
  readonly #clock: Clock;

  constructor(pool: HttpsPool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** Checks the certificate, the signing key, the version and the clock of a server. */
  async *check(name: ServerName, { target, address }: ReachableTarget): AsyncIterable<Finding> {
    const { port, certificateName } = target;
    const certificate = await checkCertificate({ address, port, certificateName }, this.#clock.now());
    yield certificate;
    // Requests to a server with an invalid certificate fail.
    if (certificate.subject === 'connection' || certificate.outcome === 'failed') return;
    const at = { target: { ...target, host: address }, address };
    try {
      const { reply, body } = await this.#get(at, '/_matrix/key/v2/server');
      yield keyFinding(name, address, body, this.#clock.now());
      yield clockFinding(address, reply.header('date'), this.#clock.now());
      const version = asObject((await this.#get(at, '/_matrix/federation/v1/version')).body.server);
      const text = `${address} runs ${asString(version?.name) ?? 'an unknown server'} ${asString(version?.version) ?? ''}`;
      yield { outcome: 'ok', subject: 'version', text: text.trimEnd() };
    } catch (error) {
      const advice = 'Check that the reverse proxy forwards /_matrix to the server.';
      yield {
        outcome: 'failed',
        subject: 'answer',
        text: `${address} gives no valid answer: ${errorText(error)}`,
        advice,
      };
    }
  }

  /** @throws Error unless the answer is a JSON object with the status 200 */
  #get({ target }: ReachableTarget, path: string): Promise<Answer> {
    const request = { method: 'GET', path, headers: {}, body: undefined };
    const ask = async (signal: AbortSignal) => {
      const reply = await this.#pool.send(target, request, signal);
      const body = await readJson(reply, ANSWER_BYTES_MAX);
      if (reply.status !== 200) throw new Error(`${path} was answered with ${reply.status}`);
      if (body === undefined) throw new Error(`the answer to ${path} is not a JSON object`);
      return { reply, body };
    };
    return withinTime(this.#clock, TIMEOUT_MS, ask, tookTooLong);
  }
}

function keyFinding(name: ServerName, address: string, body: JsonObject, nowMs: number): Finding {
  const subject = 'signing key';
  const keys = parseKeyAnswer(body, name, nowMs)?.filter(({ expiredTs }) => expiredTs === undefined);
  const [key] = keys ?? [];
  if (keys === undefined || key === undefined) {
    const text = `${address} publishes no valid signing key of ${name}`;
    const advice = `Check that the server's name is ${name} and that ${address} is an address of it.`;
    return { outcome: 'failed', subject, text, advice };
  }
  const ids = keys.map(({ keyId }) => keyId).join(', ');
  const text = `${address} publishes ${ids}, valid until ${dateText(key.validUntilTs)}`;
  if (key.validUntilTs > nowMs) return { outcome: 'ok', subject, text };
  return { outcome: 'failed', subject, text, advice: 'The published key has expired. Check the clock of that server.' };
}

/** Returns the finding about the difference between the clocks of another server and of this machine. */
export function clockFinding(address: string, date: string | undefined, nowMs: number): Finding {
  const subject = 'clock';
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return { outcome: 'skipped', subject, text: `${address} sends no Date header` };
  const seconds = Math.round((theirs - nowMs) / 1000);
  const text = `the clock of ${address} and of this machine differ by ${Math.abs(seconds)} s`;
  if (Math.abs(theirs - nowMs) <= CLOCK_SKEW_MS_MAX) return { outcome: 'ok', subject, text };
  return { outcome: 'warning', subject, text, advice: 'Synchronise the clock of the one that is wrong (NTP).' };
}
