import { closeSync, fdatasync, fsync, mkdirSync, openSync, read, readSync, renameSync, writevSync } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BufferPool } from '../../platform/buffer-pool.ts';
import { BlobMissing, type BlobReader, type BlobStore, type Received, type StoredBlob } from './blob-store.ts';
import { checkWritten, type IncomingFolder } from './content-receiver.ts';

const syncData = promisify(fdatasync);
const sync = promisify(fsync);

/** The number of bytes that are read at a time. */
const READ_BYTES = 512 * 1024;
/** A content up to this length is read at once. */
const SHORT_BYTES_MAX = 256 * 1024;
/** Buffers of that size which are kept to be used again. */
const BUFFERS_MAX = 8;
/** The number of names that are listed at a time. */
const LISTED_MAX = 1_000;
const NAME = /^[0-9a-f]{63}$/;
/** The first digits of addresses. */
const FOLDERS = Array.from('0123456789abcdef');

/**
 * Contents as files of a folder, `a/bcdef…`. A file gets its name only when it has all its bytes, so that whatever has a
 * name is whole; and bytes and name are on the disk before anybody is told, or anything refers to them.
 */
export class FolderStore implements BlobStore {
  readonly #folder: string;
  readonly #incoming: IncomingFolder;
  /** The folders below, open, to be told to write down which names they have. */
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
      // A short content goes to the page cache, which takes less than handing it to another thread.
      if (file === undefined && length > 0) checkWritten(writevSync(descriptor, chunks), length);
      const below = (await this.#open()).get(hash.slice(0, 1));
      if (below === undefined) throw new Error('an address begins with a hexadecimal digit');
      // The name before the disk has all: one journal entry then has both, and nothing refers to it yet.
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

  /** The folders below, made if need be; resolves when they would be there even if the machine stopped. */
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
  // The entry of a folder is in its parent. If the parent may not be opened, the folder is not new.
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

/** Reads a file into one buffer, again and again; buffers are handed on from reader to reader. */
class FileReader implements BlobReader {
  readonly #descriptor: number;
  readonly #to: number;
  readonly #buffers: BufferPool;
  readonly #buffer: Buffer;
  /**
   * A short content is read on this thread, mostly from the page cache: waking another thread costs ten times as
   * much. Long files are, in large pieces.
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
