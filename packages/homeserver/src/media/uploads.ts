import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { cannotOverwriteMedia, forbidden, limitExceeded, notFound, tooLarge } from '@hearth/protocol/errors.ts';
import type { MxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';
import type { Clock } from '../platform/clock.ts';
import { type Random, randomText } from '../platform/random.ts';
import { type Database, Fenced } from '../storage/engine/database.ts';
import {
  countPendingMedia,
  fillMedia,
  insertMedia,
  MEDIA_KIND,
  type MediaContent,
  type MediaRow,
  readMedia,
} from '../storage/media/media.ts';
import type { Blobs, KeptBlob } from './blobs/blobs.ts';
import { cleanType, UNKNOWN_TYPE } from './content-type.ts';
import { cleanFileName } from './file-name.ts';
import type { MediaSettings } from './media-settings.ts';
import type { Origins } from './origins.ts';
import { SNIFFED_BYTES, sniffType } from './sniff.ts';
import type { UploadWaiters } from './upload-waiters.ts';

/** The length of media ids, which cannot be guessed, so that only users who know an id can read its content. */
const ID_LENGTH = 24;

interface UploadsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly blobs: Blobs;
  readonly uploadWaiters: UploadWaiters;
  readonly origins: Origins;
  readonly settings: MediaSettings;
}

/** Stores uploads of users of this server, also asynchronous ones ("Content repository"). */
export class Uploads {
  readonly #parts: UploadsParts;

  constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  /** Stores an upload. @throws MatrixError M_TOO_LARGE @returns its mxc URI */
  upload(user: number, content: IncomingBytes, fileName: string | undefined): Promise<string> {
    return this.#receive(content, fileName, async (kept) => {
      const row = this.#row(MEDIA_KIND.upload, user);
      await this.#parts.database.commit([insertMedia({ ...row, ...kept })]);
      return this.#uri(row);
    });
  }

  /** Stores a preview image. It is deleted when it is not read for a long time. @returns its mxc URI */
  async storePreviewImage(bytes: Buffer, contentType: string): Promise<string> {
    const { blobs, database } = this.#parts;
    return blobs.keepBytes(bytes, async (blob) => {
      const row = this.#row(MEDIA_KIND.preview, null);
      await database.commit([insertMedia({ ...row, ...blob, content_type: contentType })]);
      return this.#uri(row);
    });
  }

  /**
   * Creates a media id for an asynchronous upload.
   * @throws MatrixError M_LIMIT_EXCEEDED when too many ids have no content
   */
  async create(user: number): Promise<{ uri: string; expiresTs: number }> {
    const { database, clock, settings } = this.#parts;
    const pending = await countPendingMedia(database, user, clock.now());
    if (pending >= settings.pendingMax)
      throw limitExceeded(PENDING_RETRY_MS, 'You have created too many media ids without content');
    const expires = clock.now() + settings.pendingMs;
    const row = { ...this.#row(MEDIA_KIND.upload, user), expires };
    await database.commit([insertMedia(row)]);
    return { uri: this.#uri(row), expiresTs: expires };
  }

  /**
   * Stores the content of a media id.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_CANNOT_OVERWRITE_MEDIA, M_TOO_LARGE
   */
  async fill(
    user: number,
    { server, mediaId }: MxcParts,
    content: IncomingBytes,
    fileName: string | undefined,
  ): Promise<void> {
    const { database, clock, uploadWaiters, origins } = this.#parts;
    const row = origins.isLocal(server) ? await readMedia(database, origins.local, mediaId) : undefined;
    if (row === undefined) throw notFound('The media id does not exist');
    if (row.user_num !== user) throw forbidden('The media id belongs to another user');
    if (row.hash !== null) throw cannotOverwriteMedia();
    if (row.expires !== null && row.expires <= clock.now()) throw notFound('The media id has expired');
    await this.#receive(content, fileName, async (kept) => {
      await database.commit([fillMedia(row, kept)]).catch((error: unknown) => {
        throw error instanceof Fenced ? cannotOverwriteMedia() : error;
      });
    });
    uploadWaiters.announce(mediaId);
  }

  async #receive<T>(
    content: IncomingBytes,
    fileName: string | undefined,
    refer: (kept: MediaContent) => Promise<T>,
  ): Promise<T> {
    const { blobs, settings } = this.#parts;
    const { uploadBytesMax: max } = settings;
    if (content.length !== undefined && content.length > max) throw tooLarge(`The content has more than ${max} bytes`);
    const declared = content.contentType;
    const beginning = declared === undefined ? new Beginning(content) : undefined;
    return blobs.keep(beginning ?? content, max, async (blob: KeptBlob) =>
      refer({
        ...blob,
        content_type: (await beginning?.type()) ?? cleanType(declared),
        file_name: cleanFileName(fileName),
        needs_token: settings.isOpen ? 0 : 1,
      }),
    );
  }

  #row(kind: number, user: number | null): MediaRow {
    const { clock, random, origins, settings } = this.#parts;
    const now = clock.now();
    return {
      origin: origins.local,
      media_id: randomText(random, ID_LENGTH),
      kind,
      user_num: user,
      hash: null,
      bytes: 0,
      content_type: UNKNOWN_TYPE,
      file_name: null,
      created: now,
      expires: null,
      used: now,
      needs_token: settings.isOpen ? 0 : 1,
      quarantined: 0,
    };
  }

  #uri({ media_id }: MediaRow): string {
    return `mxc://${this.#parts.origins.serverName}/${media_id}`;
  }
}

const PENDING_RETRY_MS = 60_000;

/** A content without a declared type. Its first bytes are kept, because they show the type. */
class Beginning implements IncomingBytes {
  readonly contentType = undefined;
  readonly length: number | undefined;
  readonly #content: IncomingBytes;
  #first: Buffer | undefined;

  constructor(content: IncomingBytes) {
    this.#content = content;
    this.length = content.length;
  }

  receive(take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
    return this.#content.receive((chunk) => {
      this.#first ??= Buffer.from(chunk.subarray(0, SNIFFED_BYTES));
      return take(chunk);
    });
  }

  async type(): Promise<string | undefined> {
    return this.#first && sniffType(this.#first);
  }
}
