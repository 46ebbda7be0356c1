/** The content type of unknown bytes. */
export const UNKNOWN_TYPE = 'application/octet-stream';

const LENGTH_MAX = 255;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;
/** The permitted characters of parameters: none that are control characters or could end a header. */
const PARAMETERS = /^[\t\x20-\x7e]*$/;

/** The types that a browser shows without executing any content ("Serving inline content"). */
const INLINE: ReadonlySet<string> = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
]);

/** Returns a content type that can be stored and sent; the type of unknown bytes if it is invalid. */
export function cleanType(given: string | undefined): string {
  const text = (given ?? '').trim();
  const type = bareType(text);
  if (!MEDIA_TYPE.test(type) || text.length > LENGTH_MAX || !PARAMETERS.test(text)) return UNKNOWN_TYPE;
  return type + text.slice(text.split(';')[0]?.length);
}

/** Returns a content type without parameters, in lower case. */
export function bareType(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase();
}

/** Returns whether a browser may show content of this type inline. */
export function isInline(type: string): boolean {
  return INLINE.has(bareType(type));
}
