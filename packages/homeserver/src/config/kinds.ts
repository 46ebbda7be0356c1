import { isIP } from 'node:net';
import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import * as v from 'valibot';

/** The description of a key, for the reference and for error messages. */
export interface About {
  /** One or two sentences for the reference. */
  readonly doc: string;
  /** The valid values, as the end of a sentence "write …". */
  readonly write: string;
  /** A value for the reference where there is no default. */
  readonly example?: string;
  /** The environment variable that has the value, for secrets. */
  readonly env?: string;
}

/** Adds a description to a key. It is the last step of the key's pipe. */
export function about<T>(text: About) {
  return v.metadata<T, { about: About }>({ about: text });
}

/** The server's name in user ids and for other servers. */
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

/** An address to listen on: `host:port`, `[::1]:8008`, or a port alone, which is reachable only from this machine. */
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
