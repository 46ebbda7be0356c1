import { DISCARDED_BYTES_MAX } from '../exchange.ts';

/** What an ordinary request says before its body. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyLength: number;
  /** Where in the chunk the body begins. */
  readonly end: number;
}

/** As much as `node:http` reads of a head. */
const HEAD_BYTES_MAX = 16 * 1024;
const END = '\r\n\r\n';

/** Request line and fields in the one spelling of RFC 9112 that needs no interpretation: no byte that is not ASCII. */
const HEAD = /^(GET|PUT|POST|DELETE|OPTIONS) (\/[!-~]*) HTTP\/1\.1\r\n((?:[\w!#$%&'*+.^`|~-]+:[\t -~]*\r\n)+)$/;
/** What changes how a message is framed or who speaks next (RFC 9110, 7.6 to 7.8 and 10.1.1; RFC 9112, 6.1). */
const SPECIAL = ['transfer-encoding', 'upgrade', 'expect', 'trailer', 'te'];

/**
 * The head at the beginning of a chunk, if it is there as a whole and ordinary in every respect; `undefined` for
 * everything that could be understood in more than one way.
 */
export function readHead(chunk: Buffer): RequestHead | undefined {
  const text = chunk.toString('latin1', 0, HEAD_BYTES_MAX + END.length);
  const length = text.indexOf(END);
  if (length === -1) return undefined;
  const [, method, target, fields] = HEAD.exec(text.slice(0, length + 2)) ?? [];
  if (method === undefined || target === undefined || fields === undefined) return undefined;
  const headers = readFields(fields);
  if (headers?.host === undefined || (headers.connection ?? 'keep-alive').toLowerCase() !== 'keep-alive')
    return undefined;
  if (SPECIAL.some((name) => headers[name] !== undefined)) return undefined;
  const announced = headers['content-length'];
  if (announced !== undefined && !/^\d{1,9}$/.test(announced)) return undefined;
  const bodyLength = Number(announced ?? 0);
  // One that may have to be read past is never longer than what is thrown away.
  return bodyLength > DISCARDED_BYTES_MAX
    ? undefined
    : { method, target, headers, bodyLength, end: length + END.length };
}

/** `undefined` when a name is repeated: what that means depends on the name. */
function readFields(text: string): Record<string, string> | undefined {
  const headers = Object.create(null) as Record<string, string>;
  for (let from = 0; from < text.length; ) {
    const colon = text.indexOf(':', from);
    const end = text.indexOf('\r\n', colon);
    const name = text.slice(from, colon).toLowerCase();
    if (headers[name] !== undefined) return undefined;
    headers[name] = text.slice(colon + 1, end).trim();
    from = end + 2;
  }
  return headers;
}
