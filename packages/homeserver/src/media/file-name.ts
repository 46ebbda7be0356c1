import { sanitiseText } from '../platform/sanitise-text.ts';

const LENGTH_MAX = 255;

/** A file name as it is kept: any script, but nothing that ends a line or steers a terminal. `null` for none. */
export function cleanFileName(given: string | undefined): string | null {
  const name = sanitiseText((given ?? '').replace(/[\p{Cc}\u2028\u2029]/gu, ''), LENGTH_MAX).trim();
  return name === '' ? null : name;
}

/**
 * The value of `Content-Disposition` (RFC 6266): names in ASCII as they are, others also as UTF-8 (RFC 8187), which
 * clients prefer.
 */
export function contentDisposition(kind: 'inline' | 'attachment', name: string | null): string {
  if (name === null) return kind;
  const ascii = name.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\]/g, '\\$&');
  const plain = `${kind}; filename="${ascii}"`;
  return /^[\x20-\x7e]*$/.test(name) && !name.includes('%') ? plain : `${plain}; filename*=UTF-8''${extended(name)}`;
}

/** `encodeURIComponent` leaves some characters that RFC 8187 wants encoded. */
function extended(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
