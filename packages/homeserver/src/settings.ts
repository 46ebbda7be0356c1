import { readFileSync } from 'node:fs';
import { ConfigError } from './config/problems.ts';
import type { Config } from './config/schema.ts';
import type { RateLimitSizes } from './http/rate-limits.ts';
import type { Listen } from './http/start.ts';
import type { MediaSettings } from './media/media-settings.ts';
import { errorText } from './platform/error-text.ts';
import type { UsersSettings } from './users/open-users.ts';

/** What accounts and sessions need. */
export function usersSettings({ server_name, registration, passwords, sessions }: Config): UsersSettings {
  return {
    serverName: server_name,
    registration: registration.policy,
    guests: registration.guests,
    sharedSecret: registration.shared_secret,
    passwordCost: {
      memoryKib: passwords.memory_kib,
      iterations: passwords.iterations,
      parallelism: passwords.parallelism,
    },
    accessTokenMs: sessions.access_token_ms,
  };
}

const MINUTE_MS = 60_000;

/** What uploads and downloads need. */
export function mediaSettings({ media }: Config): MediaSettings {
  return {
    uploadBytesMax: media.upload_bytes,
    pendingMax: media.pending,
    pendingMs: media.pending_minutes * MINUTE_MS,
    isOpen: media.unauthenticated === 'open',
  };
}

/** How long previews are given out again. */
export function previewsKeptMs({ media }: Config): number {
  return media.previews.kept_minutes * MINUTE_MS;
}

/** The budgets, by the classes that endpoints name. */
export function rateLimitSizes({ rate_limits }: Config): RateLimitSizes {
  const { room_creation, ...others } = rate_limits;
  const sizes = Object.entries({ ...others, 'room-creation': room_creation }).map(([name, size]) => [
    name,
    size && { perSecond: size.per_second, burst: size.burst },
  ]);
  return Object.fromEntries(sizes) as RateLimitSizes;
}

/** A listener with the contents of its certificate and key. @throws ConfigError */
export function readListen({ host, port, tls }: Config['listen'][number]): Listen {
  return { host, port, tls: tls && { cert: readPem(tls.certificate), key: readPem(tls.key) } };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`cannot read a certificate or key: ${errorText(error)}`]);
  }
}
