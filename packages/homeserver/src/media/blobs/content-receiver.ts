import { close, mkdirSync, openSync, unlink, writev } from 'node:fs';
import { promisify } from 'node:util';
import { tooLarge } from '@hearth/protocol/errors.ts';
import { release } from '../../platform/release.ts';
import type { Received, ReceivedFile } from './blob-store.ts';
import type { ContentHash } from './content-hash.ts';

/** The maximum number of bytes of an upload in memory. Shorter contents are not written to a file here. */
const GATHERED_BYTES_MAX = 512 * 1024;

const CRUMB_BYTES_MAX = 1024;

const writeAll = promisify(writev);
const closeFile = promisify(close);
const removeFile = promisify(unlink);

/** Receives a content in chunks, computes its hash, and writes it to a file unless it is short. */
export class ContentReceiver {
  readonly #path: () => string;
  readonly #bytesMax: number;
  readonly #hash: ContentHash;
  readonly #ownsChunks: boolean;
  #chunks: Buffer[] = [];
  #gathered = 0;
  #length = 0;
  #file: ReceivedFile | undefined;

  /**
   * @param path returns a new path for a file
   * @param options.ownsChunks whether the memory of chunks may be released after they are written
   */
  constructor(
    path: () => string,
    options: { readonly bytesMax: number; readonly ownsChunks: boolean },
    hash: ContentHash,
  ) {
    this.#hash = hash;
    this.#path = path;
    this.#bytesMax = options.bytesMax;
    this.#ownsChunks = options.ownsChunks;
  }

  /** Takes the next chunk. Returns a promise if chunks must be written first. @throws MatrixError M_TOO_LARGE */
  readonly take = (chunk: Buffer): Promise<void> | undefined => {
    this.#length += chunk.length;
    if (this.#length > this.#bytesMax) throw tooLarge(`The content has more than ${this.#bytesMax} bytes`);
    this.#hash.update(chunk);
    this.#add(chunk);
    this.#gathered += chunk.length;
    return this.#gathered < GATHERED_BYTES_MAX ? undefined : this.#write();
  };

  /** Returns the received content, which the caller owns from then on. */
  async end(): Promise<Received> {
    if (this.#file !== undefined && this.#gathered > 0) await this.#write();
    const received = {
      hash: this.#hash.address(),
      length: this.#length,
      chunks: this.#chunks,
      file: this.#file,
    };
    this.#file = undefined;
    return received;
  }

  /** Removes the file of an incomplete content. It has no effect after `end`. */
  async discard(): Promise<void> {
    if (this.#file !== undefined) await discardFile(this.#file);
  }

  async #write(): Promise<void> {
    this.#file ??= create(this.#path());
    const chunks = this.#chunks;
    const length = this.#gathered;
    this.#chunks = [];
    this.#gathered = 0;
    const { bytesWritten } = await writeAll(this.#file.descriptor, chunks);
    checkWritten(bytesWritten, length);
    if (this.#ownsChunks) chunks.forEach(release);
  }

  /** Joins very small chunks, because the overhead of a small buffer exceeds its length. */
  #add(chunk: Buffer): void {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + chunk.length < CRUMB_BYTES_MAX) {
      this.#chunks[this.#chunks.length - 1] = Buffer.concat([last, chunk]);
    } else this.#chunks.push(chunk);
  }
}

/** Checks that all bytes were written. @throws Error when the disk has accepted fewer bytes */
export function checkWritten(written: number, length: number): void {
  if (written !== length) throw new Error(`wrote ${written} of ${length} bytes: is the disk full?`);
}

/** Closes and removes a file that was received but is not needed. */
export async function discardFile({ path, descriptor }: ReceivedFile): Promise<void> {
  await closeFile(descriptor);
  await removeFile(path);
}

function create(path: string): ReceivedFile {
  return { path, descriptor: openSync(path, 'wx', 0o600) };
}

/** The folder for incomplete uploads, which is created on first use. */
export class IncomingFolder {
  readonly folder: string;
  readonly #run: string;
  #count = 0;

  /** @param run a unique name of this run of the program */
  constructor(folder: string, run: string) {
    this.folder = folder;
    this.#run = run;
  }

  /** Returns an unused path. */
  readonly path = (): string => {
    if (this.#count === 0) mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.#count += 1;
    return `${this.folder}/${this.#run}-${this.#count}`;
  };
}
