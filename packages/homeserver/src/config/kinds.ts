import { isIP } from 'node:net';
import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import * as v from 'valibot';

/** What a key is for, in the reference and in refusals. */
export interface About {
  /** One or two sentences for the reference. */
  readonly doc: string;
  /** What can be written here: completes "write …". */
  readonly write: string;
  /** A value for the reference where there is no default. */
  readonly example?: string;
  /** The environment variable that has the value, for secrets. */
  readonly env?: string;
}

/** Says what a key is for; goes last into its pipe. */
export function about<T>(text: About) {
  return v.metadata<T, { about: About }>({ about: text });
}

/** The name other servers and user ids know this server by. */
export const serverName = v.pipe(
  v.string(),
  v.check((text) => parseServerName(text) !== undefined),
  v.transform((text) => parseServerName(text) ?? unreachable()),
);

export const text = v.pipe(v.string(), v.nonEmpty());

export const wholeNumber = (min: number, max = 2 ** 31 - 1) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

/** An `http` or `https` URL, without a slash at its end. */
export const httpUrl = v.pipe(
  v.string(),
  v.regex(/^https?:\/\//),
  v.url(),
  v.transform((url) => url.replace(/\/+$/, '')),
);

/** `host:port`, `[::1]:8008`, or a port alone, which is one of this machine only. */
export const address = v.pipe(
  v.union([v.string(), wholeNumber(0, 65_535)]),
  v.transform((value) => (typeof value === 'number' ? `127.0.0.1:${value}` : value)),
  v.regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5}$/),
  v.transform((value) => {
    const colon = value.lastIndexOf(':');
    return { host: value.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(value.slice(colon + 1)) };
  }),
  v.check(({ port }) => port <= 65_535),
);

/** An address, or a range such as `10.0.0.0/8`. */
export const addressRange = v.pipe(
  v.string(),
  v.check((value) => {
    const [ip = '', bits = '0', ...rest] = value.split('/');
    const version = isIP(ip);
    return version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32);
  }),
);

function unreachable(): never {
  throw new Error('a checked value does not parse');
}
