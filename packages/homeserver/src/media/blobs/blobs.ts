import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { release } from '../../platform/release.ts';
import type { Database } from '../../storage/engine/database.ts';
import { isMediaHash, readUsedHashes } from '../../storage/media/media.ts';
import type { BlobStatus, BlobStore, Received, StoredBlob } from './blob-store.ts';
import { contentHash } from './content-hash.ts';
import { ContentReceiver, discardFile, type IncomingFolder } from './content-receiver.ts';

/** A content that is in the store. */
export interface KeptBlob {
  /** The hash of the content, see `content-hash.ts`. */
  readonly hash: Uint8Array;
  readonly bytes: number;
}

/** Receives and stores contents. The same content is stored once. */
export class Blobs {
  readonly store: BlobStore;
  readonly incoming: IncomingFolder;
  readonly #database: Database;
  /** The contents that requests are about to refer to, with the number of these requests. */
  readonly #pinned = new Map<string, number>();
  /** The contents that the garbage collection checks. Requests that want to refer to one wait for its end. */
  readonly #removing = new Map<string, Promise<void>>();

  constructor(database: Database, store: BlobStore, incoming: IncomingFolder) {
    this.#database = database;
    this.store = store;
    this.incoming = incoming;
  }

  /**
   * Receives and stores a content, and then calls `refer`, which commits a row that refers to it. The garbage
   * collection does not remove the content before `refer` has ended.
   * @throws MatrixError M_TOO_LARGE
   */
  async keep<T>(content: IncomingBytes, bytesMax: number, refer: (blob: KeptBlob) => Promise<T>): Promise<T> {
    const receiving = new ContentReceiver(this.incoming.path, { bytesMax, ownsChunks: true }, await contentHash());
    try {
      await content.receive(receiving.take);
      const received = await receiving.end();
      return await this.#keep(received, (blob) => {
        received.chunks.forEach(release);
        return refer(blob);
      });
    } catch (error) {
      await receiving.discard();
      throw error;
    }
  }

  /** Stores bytes as {@link keep}. */
  async keepBytes<T>(bytes: Buffer, refer: (blob: KeptBlob) => Promise<T>): Promise<T> {
    const receiving = new ContentReceiver(
      this.incoming.path,
      { bytesMax: bytes.length, ownsChunks: false },
      await contentHash(),
    );
    await receiving.take(bytes);
    return this.#keep(await receiving.end(), refer);
  }

  /** Removes unreferenced contents that are older than a time. With `dryRun` it only returns them. */
  async removeUnused(stored: readonly StoredBlob[], beforeTs: number, dryRun: boolean): Promise<BlobStatus[]> {
    const candidates = stored.filter(({ hash }) => !this.#pinned.has(hash));
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const { hash } of candidates) this.#removing.set(hash, promise);
    try {
      const blobs = candidates.map(({ hash }) => Buffer.from(hash, 'hex'));
      const used = new Set((await readUsedHashes(this.#database, blobs)).map(hexOf));
      const removed: BlobStatus[] = [];
      for (const { hash, describe } of candidates) {
        const status = used.has(hash) ? undefined : await describe();
        if (status === undefined || status.ts >= beforeTs) continue;
        if (!dryRun) await this.store.remove(hash);
        removed.push(status);
      }
      return removed;
    } finally {
      for (const { hash } of candidates) this.#removing.delete(hash);
      resolve();
    }
  }

  async #keep<T>(received: Received, refer: (blob: KeptBlob) => Promise<T>): Promise<T> {
    const { hash: name, length } = received;
    const hash = Buffer.from(name, 'hex');
    this.#pinned.set(name, (this.#pinned.get(name) ?? 0) + 1);
    try {
      const removing = this.#removing.get(name);
      if (removing !== undefined) await removing;
      if (!(await isMediaHash(this.#database, hash))) await this.store.keep(received);
      else if (received.file !== undefined) await discardFile(received.file);
      return await refer({ hash, bytes: length });
    } finally {
      const count = this.#pinned.get(name) ?? 1;
      if (count === 1) this.#pinned.delete(name);
      else this.#pinned.set(name, count - 1);
    }
  }
}

function hexOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
