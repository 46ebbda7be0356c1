import { FileReply } from '../../http/route.ts';
import type { BlobStore } from '../../media/blobs/blob-store.ts';
import { isInline } from '../../media/content-type.ts';
import type { Content } from '../../media/contents.ts';
import { contentDisposition } from '../../media/file-name.ts';

/** What keeps a file from doing anything in a browser ("Content repository"; "Serving inline content"). */
const SAFETY = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/** The content of an address never changes, but it may be taken into quarantine: hence a day and not a year. */
const CACHED = 'max-age=86400, immutable';

/** A content as a reply. Only what whoever may read it shares is cached for others. */
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
