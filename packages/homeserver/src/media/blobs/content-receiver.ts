import { close, mkdirSync, openSync, unlink, writev } from 'node:fs';
import { promisify } from 'node:util';
import { tooLarge } from '@hearth/protocol/errors.ts';
import { release } from '../../platform/release.ts';
import type { Received, ReceivedFile } from './blob-store.ts';
import type { ContentHash } from './content-hash.ts';

/** The number of bytes of an upload that are in memory; shorter contents never become a file here. */
const GATHERED_BYTES_MAX = 512 * 1024;

const CRUMB_BYTES_MAX = 1024;

const writeAll = promisify(writev);
const closeFile = promisify(close);
const removeFile = promisify(unlink);

/** Takes in a content that arrives in chunks: hashes it and, unless it is short, writes it to a file as it comes. */
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
   * @param path a new name for a file, for a content that needs one
   * @param options.ownsChunks the memory of what is taken may be given back once it is written
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

  /** Takes the next chunk. A promise when it has to be written first. @throws MatrixError M_TOO_LARGE */
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

  /** Leaves nothing behind; after `end` there is nothing to do. */
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

  /** Joins very small chunks: each piece of memory costs more than it holds. */
  #add(chunk: Buffer): void {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + chunk.length < CRUMB_BYTES_MAX) {
      this.#chunks[this.#chunks.length - 1] = Buffer.concat([last, chunk]);
    } else this.#chunks.push(chunk);
  }
}

/** @throws Error when the disk has taken less than it was given */
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

/** The folder for what is arriving, made when it is first needed. */
export class IncomingFolder {
  readonly folder: string;
  readonly #run: string;
  #count = 0;

  /** @param run what no other run of the program is called */
  constructor(folder: string, run: string) {
    this.folder = folder;
    this.#run = run;
  }

  /** A path that nothing has yet. */
  readonly path = (): string => {
    if (this.#count === 0) mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.#count += 1;
    return `${this.folder}/${this.#run}-${this.#count}`;
  };
}
