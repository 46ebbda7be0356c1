import { limitExceeded, type MatrixError, matrixError, unknown } from '@hearth/protocol/errors.ts';
import { memoise } from '../../platform/caches/memoise.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import { NoSlot, Slots } from '../../platform/concurrency/slots.ts';
import type { Database } from '../../storage/engine/database.ts';
import { insertThumbnail, readThumbnail, type ThumbnailRow } from '../../storage/media/media-thumbnails.ts';
import { readBlob } from '../blobs/blob-store.ts';
import type { Blobs } from '../blobs/blobs.ts';
import type { Content } from '../contents.ts';
import { SNIFFED_BYTES, sniffType } from '../sniff.ts';
import { chooseSize, type Size, type ThumbnailMethod } from './thumbnail-size.ts';

/** A thumbnail that a client requests. */
export interface WantedThumbnail extends Size {
  readonly method: ThumbnailMethod;
  readonly animated: boolean;
}

export interface ThumbnailSettings {
  /** The configured sizes. Requests are rounded up to the next size. */
  readonly sizes: readonly Size[];
  readonly pixelsMax: number;
}

const loadMaker = memoise(() => import('./make-thumbnail.ts'));

/** The maximum numbers of images that are processed at a time and of requests that wait. */
const SLOTS = { running: 2, waiting: 64 };
const RETRY_MS = 1_000;

/** The content types that are decoded. Other types have less tested decoders, or can contain scripts (SVG). */
const DECODED: ReadonlySet<string> = new Set([
  'image/jpeg',
  'image/png',
  'image/apng',
  'image/gif',
  'image/webp',
  'image/avif',
]);

/** Creates thumbnails of images on the first request, and stores them. */
export class Thumbnails {
  readonly #database: Database;
  readonly #blobs: Blobs;
  readonly #settings: ThumbnailSettings;
  readonly #slots = new Slots(SLOTS);
  readonly #making = new InFlight<string, ThumbnailRow>();

  constructor(database: Database, blobs: Blobs, settings: ThumbnailSettings) {
    this.#database = database;
    this.#blobs = blobs;
    this.#settings = settings;
  }

  /**
   * Returns a thumbnail.
   * @throws MatrixError M_UNKNOWN (400) for content that is not an image, M_TOO_LARGE, M_LIMIT_EXCEEDED
   */
  async get(content: Content, wanted: WantedThumbnail): Promise<Content> {
    const size = chooseSize(this.#settings.sizes, wanted, wanted.method);
    const name = size === undefined ? 'whole' : `${size.width}x${size.height}-${wanted.method}`;
    const variant = wanted.animated ? `${name}-animated` : name;
    const source = Buffer.from(content.hash, 'hex');
    const row =
      (await readThumbnail(this.#database, source, variant)) ??
      (await this.#shared(`${content.hash} ${variant}`, () => this.#make(content, variant, size, wanted)));
    const { hash, bytes: length, content_type: contentType } = row;
    return { ...content, hash: Buffer.from(hash).toString('hex'), length, contentType };
  }

  async #shared(key: string, make: () => Promise<ThumbnailRow>): Promise<ThumbnailRow> {
    try {
      return await this.#making.run(key, () => this.#slots.run(make));
    } catch (error) {
      throw error instanceof NoSlot ? limitExceeded(RETRY_MS, 'Too many thumbnails are in progress') : error;
    }
  }

  async #make(
    content: Content,
    variant: string,
    size: Size | undefined,
    { method, animated }: WantedThumbnail,
  ): Promise<ThumbnailRow> {
    const { hash, length, isLocal } = content;
    const { store } = this.#blobs;
    const sourceType = await this.#imageType(content);
    const { makeThumbnail, TooManyPixels } = await loadMaker();
    const input = store.path(hash) ?? (await readBlob(store, hash, length));
    const { pixelsMax } = this.#settings;
    const made = await makeThumbnail(input, sourceType, { size, method, animated, pixelsMax }).catch(
      (error: unknown) => {
        throw error instanceof TooManyPixels ? tooManyPixels(isLocal) : notAnImage();
      },
    );
    const source = Buffer.from(hash, 'hex');
    const commit = async (row: ThumbnailRow) => {
      await this.#database.commit([insertThumbnail(source, variant, row)]);
      return row;
    };
    if (made === 'original') return commit({ hash: source, bytes: length, content_type: sourceType });
    return this.#blobs.keepBytes(made.bytes, (blob) => commit({ ...blob, content_type: made.contentType }));
  }

  /** Returns the type of an image by its bytes. The declared content type does not select the decoder. */
  async #imageType({ hash, length }: Content): Promise<string> {
    const beginning = await readBlob(this.#blobs.store, hash, Math.min(length, SNIFFED_BYTES));
    const type = await sniffType(beginning);
    if (type === undefined || !DECODED.has(type)) throw notAnImage();
    return type;
  }
}

function notAnImage(): MatrixError {
  return unknown('The server cannot create a thumbnail of this content', 400);
}

function tooManyPixels(isLocal: boolean): MatrixError {
  return matrixError('M_TOO_LARGE', 'The image is too large for a thumbnail', { status: isLocal ? 413 : 502 });
}
