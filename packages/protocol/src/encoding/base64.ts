const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

/** Encodes bytes as unpadded standard Base64 (appendices, "Unpadded Base64"). */
export function encodeBase64(bytes: Uint8Array): string {
  const text = view(bytes).toString('base64');
  const padding = text.indexOf('=');
  return padding === -1 ? text : text.slice(0, padding);
}

/** Encodes bytes as unpadded URL-safe Base64 (appendices, "URL-safe unpadded Base64"). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

/** Decodes standard Base64, padded or not. Returns undefined for any other text. */
export function decodeBase64(text: string): Uint8Array | undefined {
  return decode(text, STANDARD);
}

/** Decodes URL-safe Base64, padded or not. Returns undefined for any other text. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  return decode(text, URL_SAFE);
}

function decode(text: string, alphabet: RegExp): Uint8Array | undefined {
  // A single letter after a multiple of four encodes six bits, which is no whole byte.
  if (!alphabet.test(text) || text.replace(/=+$/, '').length % 4 === 1) return undefined;
  return Buffer.from(text, 'base64');
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
