import { sanitiseText } from '../platform/sanitise-text.ts';

const LENGTH_MAX = 255;

/** Returns a file name without line breaks and control characters; `null` for an empty one. */
export function cleanFileName(given: string | undefined): string | null {
  const name = sanitiseText((given ?? '').replace(/[\p{Cc}\u2028\u2029]/gu, ''), LENGTH_MAX).trim();
  return name === '' ? null : name;
}

/**
 * Returns the value of `Content-Disposition` (RFC 6266). A name that is not ASCII is also sent as UTF-8 (RFC 8187),
 * which clients prefer.
 */
export function contentDisposition(kind: 'inline' | 'attachment', name: string | null): string {
  if (name === null) return kind;
  const ascii = name.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\]/g, '\\$&');
  const plain = `${kind}; filename="${ascii}"`;
  return /^[\x20-\x7e]*$/.test(name) && !name.includes('%') ? plain : `${plain}; filename*=UTF-8''${extended(name)}`;
}

/** Encodes a name for RFC 8187, which encodes more characters than `encodeURIComponent`. */
function extended(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
