import { parseServerName, type ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { parseJson } from '@hearth/protocol/json/parse.ts';
import { asObject, asString, member } from '@hearth/protocol/json/value.ts';
import { DAY_MS } from '../../platform/clock.ts';
import type { Outbound } from '../../platform/outbound/outbound.ts';
import { type IncomingReply, OutboundError, readReply } from '../../platform/outbound/reply.ts';
import { hasValidPort } from './addresses.ts';

/** The answer of a host that delegates to another one. */
export interface Delegation {
  readonly delegatedTo: ServerName;
  /** How long the answer may be used. Milliseconds. */
  readonly lifetimeMs: number;
}

/** Fetches the delegation of a host name. @throws Error when there is none */
export type FetchDelegation = (host: string) => Promise<Delegation>;

const PATH = '/.well-known/matrix/server';
const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 50 * 1024;

const DEFAULT_LIFETIME_MS = DAY_MS;
/** The limits of lifetimes. The specification permits 48 hours at most. */
const LIFETIME_MS_MIN = 5 * 60_000;
const LIFETIME_MS_MAX = 2 * DAY_MS;

/** Returns a function that fetches delegations (server-server API, "Resolving server names", step 3). */
export function fetchDelegationBy(outbound: Outbound, now: () => number): FetchDelegation {
  return async (host) => {
    const request = { accept: 'application/json', timeoutMs: TIMEOUT_MS, isHttpsOnly: true };
    const reply = await outbound.get(new URL(`https://${host}${PATH}`), request);
    if (reply.status !== 200) {
      reply.close();
      throw new OutboundError(`the answer was ${reply.status}`);
    }
    const delegatedTo = parseDelegation((await readReply(reply, ANSWER_BYTES_MAX)).toString('utf8'));
    if (delegatedTo === undefined) throw new OutboundError('the answer has no valid m.server');
    return { delegatedTo, lifetimeMs: lifetimeOf(reply, now()) };
  };
}

/** Returns the name in the body of an answer. Returns undefined for any other body. */
export function parseDelegation(text: string): ServerName | undefined {
  try {
    const name = parseServerName(asString(member(asObject(parseJson(text)), 'm.server')) ?? '');
    return name !== undefined && hasValidPort(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Returns how long an answer may be used, from its headers. Milliseconds. */
export function lifetimeOf(reply: Pick<IncomingReply, 'header'>, nowMs: number): number {
  const lifetimeMs = statedLifetimeMs(reply, nowMs) ?? DEFAULT_LIFETIME_MS;
  return Math.min(Math.max(lifetimeMs, LIFETIME_MS_MIN), LIFETIME_MS_MAX);
}

function statedLifetimeMs({ header }: Pick<IncomingReply, 'header'>, nowMs: number): number | undefined {
  const control = header('cache-control')?.toLowerCase() ?? '';
  if (/(?:^|[\s,])no-(?:store|cache)\b/.test(control)) return 0;
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,12})/.exec(control)?.[1];
  const age = /^\d{1,9}$/.test(header('age') ?? '') ? Number(header('age')) : 0;
  if (maxAge !== undefined) return (Number(maxAge) - age) * 1000;
  const expires = header('expires');
  if (expires === undefined) return undefined;
  const expiresMs = Date.parse(expires);
  // `Expires: 0` and other texts that are no dates mean that the answer has expired.
  return expires.endsWith('GMT') && !Number.isNaN(expiresMs) ? expiresMs - nowMs : 0;
}
