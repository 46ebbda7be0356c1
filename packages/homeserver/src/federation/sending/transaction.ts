import { CanonicalJsonError, canonicalJson } from '@hearth/protocol/json/canonical.ts';
import { JsonParseError, parseJson } from '@hearth/protocol/json/parse.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** A transaction (server-server API, "Transactions"). PDUs and EDUs are canonical JSON. */
export interface Transaction {
  readonly id: string;
  readonly ts: number;
  readonly pdus: readonly string[];
  readonly edus: readonly string[];
}

/**
 * The maximum size of the PDUs of a transaction, and that of its EDUs, in bytes. Together they fit into a body of 1 MB,
 * the limit of many reverse proxies. A longer PDU or EDU is sent alone.
 */
export const BYTES_MAX = 480 * 1024;

/** Returns the body of a transaction as canonical JSON. */
export function transactionBody(origin: string, { ts, pdus, edus }: Transaction): string {
  const head = `"origin":${JSON.stringify(origin)},"origin_server_ts":${ts}`;
  return `{"edus":[${edus.join(',')}],${head},"pdus":[${pdus.join(',')}]}`;
}

/** Returns how many texts from the beginning fit into a transaction, at least one. */
export function fittingCount(texts: readonly string[]): number {
  let bytes = 0;
  for (const [i, text] of texts.entries()) {
    bytes += Buffer.byteLength(text);
    if (i > 0 && bytes > BYTES_MAX) return i;
  }
  return texts.length;
}

/** Old room versions and other clients permit numbers that canonical JSON does not. */
const NUMBERS = 'any';

/** Returns the canonical form of a JSON text; undefined if it has none. */
export function canonicalText(json: string): string | undefined {
  return orUndefined(() => canonicalJson(parseJson(json), NUMBERS));
}

const texts = new WeakMap<JsonObject, string>();

/** Returns an EDU as canonical JSON; undefined if it has none. The text is kept with the object. */
export function eduText(edu: JsonObject): string | undefined {
  const text = texts.get(edu) ?? orUndefined(() => canonicalJson(edu, NUMBERS));
  if (text !== undefined) texts.set(edu, text);
  return text;
}

function orUndefined(render: () => string): string | undefined {
  try {
    return render();
  } catch (error) {
    if (error instanceof JsonParseError || error instanceof CanonicalJsonError) return undefined;
    throw error;
  }
}
