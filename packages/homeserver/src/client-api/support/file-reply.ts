import { FileReply } from '../../http/route.ts';
import type { BlobStore } from '../../media/blobs/blob-store.ts';
import { isInline } from '../../media/content-type.ts';
import type { Content } from '../../media/contents.ts';
import { contentDisposition } from '../../media/file-name.ts';

/** Headers that keep a file from running code in a browser ("Content repository"; "Serving inline content"). */
const SAFETY = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/** The content of a media id never changes, but it may be quarantined, so it is cached for a day instead of a year. */
const CACHED = 'max-age=86400, immutable';

/** Returns the reply with a file. Shared caches may keep it only if it was requested without a token. */
export function fileReply(store: BlobStore, content: Content, hasToken: boolean): FileReply {
  const { hash, length, contentType, fileName } = content;
  return new FileReply({
    headers: {
      'Content-Type': contentType,
      'Content-Disposition': contentDisposition(isInline(contentType) ? 'inline' : 'attachment', fileName),
      'Cache-Control': `${hasToken ? 'private' : 'public'}, ${CACHED}`,
      ...SAFETY,
    },
    etag: `"${hash}"`,
    length,
    open: (from, to) => store.open(hash, from, to),
  });
}
