import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';
import type { Content } from '../contents.ts';
import { contentDisposition } from '../file-name.ts';

/** A file as it is sent to other servers. */
export interface MultipartFile {
  readonly headers: { readonly 'Content-Type': string };
  /** The name of the multipart form, in quotes. */
  readonly etag: string;
  readonly length: number;
  /** Opens the bytes from `from` to `to`, which is not included. */
  readonly open: (from: number, to: number) => Promise<BlobReader>;
}

/**
 * Returns the multipart form of a content: an empty JSON object, and the bytes (server-server API, "Content
 * Repository"). The boundary is the hash of the content, which the content cannot contain.
 */
export function multipartFile(store: BlobStore, content: Content): MultipartFile {
  const { hash, length, contentType, fileName } = content;
  const before = Buffer.from(
    `--${hash}\r\nContent-Type: application/json\r\n\r\n{}\r\n` +
      `--${hash}\r\nContent-Type: ${contentType}\r\n` +
      `Content-Disposition: ${contentDisposition('attachment', fileName)}\r\n\r\n`,
  );
  const after = Buffer.from(`\r\n--${hash}--\r\n`);
  const end = before.length + length;
  return {
    headers: { 'Content-Type': `multipart/mixed; boundary=${hash}` },
    etag: `"multipart-${hash}"`,
    length: end + after.length,
    open: async (from, to) => {
      const first = Math.max(from - before.length, 0);
      const last = Math.min(to - before.length, length);
      return new FramedReader(
        before.subarray(from, to),
        first < last ? await store.open(hash, first, last) : undefined,
        after.subarray(Math.max(from - end, 0), Math.max(to - end, 0)),
      );
    },
  };
}

/** Reads the bytes of a content with other bytes before and after them. */
class FramedReader implements BlobReader {
  readonly #content: BlobReader | undefined;
  readonly #after: Buffer;
  #before: Buffer | undefined;
  #isOver = false;

  constructor(before: Buffer, content: BlobReader | undefined, after: Buffer) {
    this.#before = before;
    this.#content = content;
    this.#after = after;
  }

  async next(): Promise<Buffer | undefined> {
    const before = this.#before;
    this.#before = undefined;
    if (before !== undefined && before.length > 0) return before;
    const chunk = this.#isOver ? undefined : await this.#content?.next();
    if (chunk !== undefined) return chunk;
    const wasOver = this.#isOver;
    this.#isOver = true;
    return wasOver || this.#after.length === 0 ? undefined : this.#after;
  }

  close(): void {
    this.#content?.close();
  }
}
