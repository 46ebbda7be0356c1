import { readFileSync } from 'node:fs';
import { ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { checkTls, type Tls } from '../http/listeners/tls.ts';
import type { RateLimitSizes } from '../http/rate-limits.ts';
import type { HttpSettings, Listen } from '../http/start.ts';
import type { MediaSettings } from '../media/media-settings.ts';
import { DAY_MS } from '../platform/clock.ts';
import { errorText } from '../platform/error-text.ts';
import { certificatesOf } from '../platform/outbound/trusted-authorities.ts';
import type { BucketSize } from '../platform/token-buckets.ts';
import type { MailerSettings } from '../push/mail/mailer.ts';
import type { RetentionSettings } from '../retention/retention.ts';
import type { TurnSettings } from '../voip/turn-credentials.ts';
import type { ToDeviceSettings } from './encryption.ts';
import type { UsersSettings } from './users.ts';

/** The settings of mail about missed messages. */
export interface MailSettings {
  readonly mailer: MailerSettings;
  /** Whether users may use any mail address. */
  readonly toAnyAddress: boolean;
  readonly afterMs: number;
  readonly everyMs: number;
}

/** Returns the settings of accounts and sessions. */
export function usersSettings({
  server_name,
  registration,
  passwords,
  sessions,
  rate_limits,
}: Config): Omit<UsersSettings, 'applicationServices'> {
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
    passwordAttempts: {
      byUser: bucketSize(rate_limits.wrong_password_user),
      byAddress: bucketSize(rate_limits.wrong_password_address),
    },
    accessTokenMs: sessions.access_token_ms,
  };
}

const MINUTE_MS = 60_000;

/** Returns the settings of uploads and downloads. */
export function mediaSettings({ media }: Config): MediaSettings {
  return {
    uploadBytesMax: media.upload_bytes,
    pendingMax: media.pending,
    pendingMs: media.pending_minutes * MINUTE_MS,
    isOpen: media.unauthenticated === 'open',
  };
}

/** Returns the time for which previews are cached, in milliseconds. */
export function previewsKeptMs({ media }: Config): number {
  return media.previews.kept_minutes * MINUTE_MS;
}

function bucketSize(size: false | { readonly per_second: number; readonly burst: number }): BucketSize | false {
  return size && { perSecond: size.per_second, burst: size.burst };
}

/** Returns the budgets of the limit classes. In the configuration their names have `_` instead of `-`. */
export function rateLimitSizes({ rate_limits }: Config): RateLimitSizes {
  const { wrong_password_user: _user, wrong_password_address: _address, ...classes } = rate_limits;
  const sizes = Object.entries(classes).map(([name, size]) => [name.replaceAll('_', '-'), bucketSize(size)]);
  return Object.fromEntries(sizes) as RateLimitSizes;
}

/** Returns the TURN servers, if any are configured. @throws ConfigError without credentials for them */
export function turnSettings({ voip }: Config): TurnSettings | undefined {
  const { uris, shared_secret: secret, username, password, ttl_ms: ttlMs } = voip;
  if (uris.length === 0) return undefined;
  if (secret !== undefined) return { uris, ttlMs, login: { secret } };
  if (username !== undefined && password !== undefined) return { uris, ttlMs, login: { username, password } };
  throw new ConfigError(['voip.uris needs voip.shared_secret, or voip.username and voip.password']);
}

/**
 * Returns the settings of mail; undefined without a mail server. @throws ConfigError without an address to send from
 */
export function mailSettings({ mail }: Config): MailSettings | undefined {
  const { host, port, tls, username: user, password: pass } = mail.smtp;
  if (host === undefined) return undefined;
  if (mail.from === undefined) throw new ConfigError(['mail.smtp needs mail.from, the sender address of mail']);
  const login = user === undefined || pass === undefined ? undefined : { user, pass };
  return {
    mailer: { host, port, tls, login, from: mail.from },
    toAnyAddress: mail.unverified_addresses,
    afterMs: mail.notify_after_ms,
    everyMs: mail.notify_every_ms,
  };
}

/** Returns the limits of messages to devices. */
export function toDeviceSettings({ to_device }: Config): ToDeviceSettings {
  const { kept_days: keptDays, sender_bytes_per_day: perDay } = to_device;
  const senderBudget = perDay === false ? undefined : { perSecond: (perDay * 1000) / DAY_MS, burst: perDay / 8 };
  return { keptMs: keptDays * DAY_MS, senderBudget };
}

/** Returns the settings of retention; undefined if messages are kept forever. */
export function retentionSettings({ retention }: Config): RetentionSettings | undefined {
  const ms = (days: number | undefined) => (days === undefined ? undefined : days * DAY_MS);
  if (!retention.enabled) return undefined;
  return { defaultMs: ms(retention.default_days), minMs: ms(retention.min_days), maxMs: ms(retention.max_days) };
}

/** Returns the settings of the listeners. @throws ConfigError for a certificate that cannot be read */
export function httpSettings({ listen, limits, trusted_proxies }: Config): HttpSettings {
  return {
    listen: listen.map(readListen),
    trustedProxies: trusted_proxies,
    closeTimeoutMs: limits.close_ms,
    connectionsMax: limits.connections,
  };
}

/** Reads a listener with its certificate and key. @throws ConfigError */
export function readListen({ host, port, tls }: Config['listen'][number]): Listen {
  return { host, port, tls: tls && readTls(tls) };
}

/** Reads the additional certificates that outgoing connections trust. @throws ConfigError */
export function readTrustedAuthorities({ outbound }: Config): string | undefined {
  const { trusted_ca_file: path } = outbound;
  if (path === undefined) return undefined;
  const pem = readPem(path);
  try {
    certificatesOf(pem);
  } catch (error) {
    throw new ConfigError([`outbound.trusted_ca_file: ${path} has no valid certificate: ${errorText(error)}`]);
  }
  return pem;
}

/** Reads a certificate and its key. @throws ConfigError */
export function readTls({ certificate, key }: NonNullable<Config['listen'][number]['tls']>): Tls {
  const tls = { cert: readPem(certificate), key: readPem(key) };
  try {
    checkTls(tls);
  } catch (error) {
    throw new ConfigError([
      `${certificate} and ${key} are not a certificate and its key in PEM format: ${errorText(error)}`,
    ]);
  }
  return tls;
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`cannot read a certificate or key: ${errorText(error)}`]);
  }
}
