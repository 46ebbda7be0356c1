import * as v from 'valibot';
import { rateLimitSizes } from '../../src/compose/settings.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { Authenticate } from '../../src/http/authenticate.ts';
import { type RateLimitSizes, RateLimits } from '../../src/http/rate-limits.ts';
import type { Caller, Route } from '../../src/http/route.ts';
import type { ServeParts } from '../../src/http/serve.ts';
import { type HttpServer, type HttpSettings, startHttp } from '../../src/http/start.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';

const alice: Caller = {
  userId: '@alice:test',
  user: 1,
  deviceId: 'A',
  device: 1,
  isGuest: false,
  isAdmin: false,
  isSuspended: false,
};
const guest: Caller = { ...alice, userId: '@1:test', user: 2, isGuest: true };

/** The tokens `alice` and `guest` are valid. The second is found only after a while. */
const authenticate: Authenticate = (token) => {
  if (token === 'alice') return alice;
  return Promise.resolve(token === 'guest' ? guest : undefined);
};

/** The declarations of an endpoint that accepts every caller. */
export const OPEN = { limit: { none: 'a test' }, whenSuspended: 'allowed', whenLocked: 'allowed' } as const;

function rateLimits(sizes: Partial<RateLimitSizes> = {}): RateLimits {
  return new RateLimits(systemClock, { ...rateLimitSizes(v.parse(configSchema, { rate_limits: false })), ...sizes });
}

type Options = ServeParts & HttpSettings;

function defaults(sizes?: Partial<RateLimitSizes>): Options {
  return {
    authenticate: { user: authenticate, server: undefined },
    rateLimits: rateLimits(sizes),
    bodyBytesMax: 10_000,
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
    listen: [{ host: '127.0.0.1', port: 0 }],
    trustedProxies: ['127.0.0.1'],
    closeTimeoutMs: 5000,
    connectionsMax: 1000,
  };
}

/** Starts a server with these routes on a free port. */
export function serveRoutes(
  routes: readonly Route[],
  options: Partial<Options> & { sizes?: Partial<RateLimitSizes> } = {},
): Promise<HttpServer> {
  const all = { ...defaults(options.sizes), ...options };
  return startHttp(routes, all, all);
}
