import { closeSync, fdatasync, fsync, mkdirSync, openSync, read, readSync, renameSync, writevSync } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BufferPool } from '../../platform/buffer-pool.ts';
import { BlobMissing, type BlobReader, type BlobStore, type Received, type StoredBlob } from './blob-store.ts';
import { checkWritten, type IncomingFolder } from './content-receiver.ts';

const syncData = promisify(fdatasync);
const sync = promisify(fsync);

/** The number of bytes of one read. */
const READ_BYTES = 512 * 1024;
/** The maximum length of a content that is read synchronously. */
const SHORT_BYTES_MAX = 256 * 1024;
/** The maximum number of buffers that are kept for reuse. */
const BUFFERS_MAX = 8;
/** The maximum number of names in a batch of the list. */
const LISTED_MAX = 1_000;
const NAME = /^[0-9a-f]{63}$/;
/** The first digits of hashes. */
const FOLDERS = Array.from('0123456789abcdef');

/**
 * A store of contents as files of a folder, `a/bcdef…`. A file gets its name when it has all its bytes, so that every
 * named file is complete. Bytes and name are on disk before the upload is acknowledged or a row refers to them.
 */
export class FolderStore implements BlobStore {
  readonly #folder: string;
  readonly #incoming: IncomingFolder;
  /** The open subfolders, whose names are synced to disk. */
  #below: Promise<ReadonlyMap<string, number>> | undefined;
  readonly #buffers = new BufferPool(READ_BYTES, BUFFERS_MAX);

  constructor(folder: string, incoming: IncomingFolder) {
    this.#folder = folder;
    this.#incoming = incoming;
  }

  async keep({ hash, length, chunks, file }: Received): Promise<void> {
    const path = file?.path ?? this.#incoming.path();
    const descriptor = file?.descriptor ?? openSync(path, 'wx', 0o600);
    try {
      // A short content is written synchronously to the page cache, which costs less than another thread.
      if (file === undefined && length > 0) checkWritten(writevSync(descriptor, chunks), length);
      const below = (await this.#open()).get(hash.slice(0, 1));
      if (below === undefined) throw new Error('an address begins with a hexadecimal digit');
      // The file is renamed before it is synced, so that one journal entry has both. No row refers to it yet.
      renameSync(path, this.path(hash));
      await syncData(descriptor);
      await sync(below);
    } finally {
      closeSync(descriptor);
    }
  }

  async open(hash: string, from: number, to: number): Promise<BlobReader> {
    try {
      const descriptor = openSync(this.path(hash), 'r');
      return new FileReader(descriptor, from, to, this.#buffers);
    } catch (error) {
      throw isMissing(error) ? new BlobMissing(hash) : error;
    }
  }

  path(hash: string): string {
    return `${this.#folder}/${hash.slice(0, 1)}/${hash.slice(1)}`;
  }

  async remove(hash: string): Promise<void> {
    await unlink(this.path(hash)).catch(unlessMissing);
  }

  async *list(): AsyncIterable<readonly StoredBlob[]> {
    for (const name of FOLDERS) {
      const blobs = (await names(join(this.#folder, name))).map((rest) => this.#stored(name + rest));
      for (let at = 0; at < blobs.length; at += LISTED_MAX) yield blobs.slice(at, at + LISTED_MAX);
    }
  }

  #stored(hash: string): StoredBlob {
    return {
      hash,
      describe: async () => {
        const status = await stat(this.path(hash)).catch(unlessMissing);
        return status && { length: status.size, ts: status.mtimeMs };
      },
    };
  }

  close(): void {
    this.#below?.then(closeAll, () => undefined);
    this.#below = undefined;
  }

  /** Opens the subfolders and creates missing ones. Resolves when they are on disk. */
  async #open(): Promise<ReadonlyMap<string, number>> {
    this.#below ??= openBelow(this.#folder);
    try {
      return await this.#below;
    } catch (error) {
      this.#below = undefined;
      throw error;
    }
  }
}

function closeAll(below: ReadonlyMap<string, number>): void {
  for (const descriptor of below.values()) closeSync(descriptor);
}

async function openBelow(folder: string): Promise<ReadonlyMap<string, number>> {
  const below = FOLDERS.map((name) => [name, join(folder, name)] as const);
  for (const [, path] of below) mkdirSync(path, { recursive: true, mode: 0o700 });
  // The parent folder contains the entry. A parent that cannot be opened means that the folder is not new.
  await syncFolder(folder);
  await syncFolder(dirname(folder)).catch(() => undefined);
  return new Map(below.map(([name, path]) => [name, openSync(path, 'r')]));
}

async function syncFolder(path: string): Promise<void> {
  const descriptor = openSync(path, 'r');
  try {
    await sync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a file into one buffer, which is reused. Readers share a pool of buffers. */
class FileReader implements BlobReader {
  readonly #descriptor: number;
  readonly #to: number;
  readonly #buffers: BufferPool;
  readonly #buffer: Buffer;
  /**
   * Whether the content is read synchronously, mostly from the page cache, because waking another thread costs ten
   * times as much. Other threads read long files in large chunks.
   */
  readonly #isShort: boolean;
  #at: number;

  constructor(descriptor: number, from: number, to: number, buffers: BufferPool) {
    this.#descriptor = descriptor;
    this.#at = from;
    this.#to = to;
    this.#isShort = to - from <= SHORT_BYTES_MAX;
    this.#buffers = buffers;
    this.#buffer = buffers.take(to - from);
  }

  async next(): Promise<Buffer | undefined> {
    const wanted = Math.min(this.#buffer.length, this.#to - this.#at);
    if (wanted === 0) return undefined;
    const count = this.#isShort
      ? readSync(this.#descriptor, this.#buffer, 0, wanted, this.#at)
      : await this.#read(wanted);
    if (count === 0) throw new Error('a file of the media store is too short');
    this.#at += count;
    return this.#buffer.subarray(0, count);
  }

  close(): void {
    closeSync(this.#descriptor);
    this.#buffers.give(this.#buffer);
  }

  #read(wanted: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, this.#buffer, 0, wanted, this.#at, (error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }
}

async function names(folder: string): Promise<string[]> {
  const found = (await readdir(folder).catch(unlessMissing)) ?? [];
  return found.filter((name) => NAME.test(name));
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
