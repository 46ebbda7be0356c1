const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

/** Unpadded standard Base64 (appendices, "Unpadded Base64"). */
export function encodeBase64(bytes: Uint8Array): string {
  const text = view(bytes).toString('base64');
  const padding = text.indexOf('=');
  return padding === -1 ? text : text.slice(0, padding);
}

/** Unpadded URL-safe Base64 (appendices, "URL-safe unpadded Base64"). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

/** Bytes of standard Base64, padded or not; undefined when the text is anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  return decode(text, STANDARD);
}

/** Bytes of URL-safe Base64, padded or not; undefined when the text is anything else. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  return decode(text, URL_SAFE);
}

function decode(text: string, alphabet: RegExp): Uint8Array | undefined {
  // One letter over a multiple of four holds six bits: no byte ends there.
  if (!alphabet.test(text) || text.replace(/=+$/, '').length % 4 === 1) return undefined;
  return Buffer.from(text, 'base64');
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
