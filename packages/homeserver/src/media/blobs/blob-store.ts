/** A received content that is not in the store yet. */
export interface Received {
  /** The hash of the content, see `content-hash.ts`. */
  readonly hash: string;
  readonly length: number;
  /** The chunks of a short content. A longer content is in `file`. */
  readonly chunks: readonly Buffer[];
  readonly file: ReceivedFile | undefined;
}

/** A completely written file that is still open. */
export interface ReceivedFile {
  readonly path: string;
  readonly descriptor: number;
}

export interface StoredBlob {
  readonly hash: string;
  /** Returns the length and the time of the content; `undefined` if it is not in the store any more. */
  readonly describe: () => Promise<BlobStatus | undefined>;
}

export interface BlobStatus {
  readonly length: number;
  /** The time at which the content was stored, in milliseconds since 1970. */
  readonly ts: number;
}

/** Reads the bytes of a range. The result of `next` is valid until the next call. */
export interface BlobReader {
  next(): Promise<Buffer | undefined>;
  close(): void;
}

/** The error for a content that is not in the store. */
export class BlobMissing extends Error {
  constructor(hash: string) {
    super(`the media store has no content ${hash}`);
  }
}

/** A store of contents. Each content is stored once, named by its hash in hexadecimal digits, and never changes. */
export interface BlobStore {
  /** Stores a content durably, so that it survives a crash of the machine. An existing content is written again. */
  keep(received: Received): Promise<void>;
  /** Opens the bytes from `from` up to, but not including, `to`. @throws BlobMissing */
  open(hash: string, from: number, to: number): Promise<BlobReader>;
  /** Returns the path of the file of a content, if the store has files. */
  path(hash: string): string | undefined;
  /** Removes a content. A missing content is not an error. */
  remove(hash: string): Promise<void>;
  /** Lists all contents, in batches of a bounded size. */
  list(): AsyncIterable<readonly StoredBlob[]>;
  close(): void;
}

/** Returns all bytes of a content, or its first bytes. @throws BlobMissing */
export async function readBlob(store: BlobStore, hash: string, length: number): Promise<Buffer> {
  const reader = await store.open(hash, 0, length);
  const chunks: Buffer[] = [];
  try {
    for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
      chunks.push(Buffer.from(chunk));
    }
  } finally {
    reader.close();
  }
  return Buffer.concat(chunks);
}
