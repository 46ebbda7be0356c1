import { notFound, notYetUploaded } from '@hearth/protocol/errors.ts';
import type { MxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';
import type { Clock } from '../platform/clock.ts';
import type { Cancellation } from '../platform/concurrency/cancellation.ts';
import type { Database } from '../storage/engine/database.ts';
import { MEDIA_KIND, type MediaRow, readMedia, setMediaQuarantined } from '../storage/media/media.ts';
import type { LastUsed } from './last-used.ts';
import type { MediaSettings } from './media-settings.ts';
import type { Origins } from './origins.ts';
import type { RemoteCopies } from './remote-copies.ts';
import type { UploadWaiters } from './upload-waiters.ts';

/** A content that can be sent. */
export interface Content {
  /** Its address in the store, in hex. */
  readonly hash: string;
  readonly length: number;
  readonly contentType: string;
  readonly fileName: string | null;
  /** Whether it was uploaded here. */
  readonly isLocal: boolean;
}

/** The requesting client and its parameters. */
export interface MediaRequest {
  readonly hasToken: boolean;
  /** Whether another server may be asked for what is not here. */
  readonly mayFetch: boolean;
  /** How long to wait for a content that is still to come. */
  readonly waitMs: number | undefined;
  /** The waiting client; its cancellation is created only if there is something to wait for. */
  readonly client: { readonly cancellation: Cancellation };
}

const WAIT_MS_DEFAULT = 20_000;
const WAIT_MS_MAX = 60_000;

interface ContentsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly origins: Origins;
  readonly uploadWaiters: UploadWaiters;
  readonly lastUsed: LastUsed;
  readonly copies: RemoteCopies;
  readonly settings: MediaSettings;
}

/** Media by their address, of this server and of others ("Content repository"). */
export class Contents {
  readonly #parts: ContentsParts;

  constructor(parts: ContentsParts) {
    this.#parts = parts;
  }

  /** @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED, M_TOO_LARGE */
  async find(address: MxcParts, asked: MediaRequest): Promise<Content> {
    const row = (await this.#read(address)) ?? (await this.#fetch(address, asked));
    if (this.#isHidden(row, asked)) throw notFound();
    const there = row.hash === null ? await this.#wait(row, asked) : row;
    if (there.hash === null) throw notYetUploaded();
    if (there.kind !== MEDIA_KIND.upload) this.#parts.lastUsed.touch(there);
    return {
      hash: Buffer.from(there.hash).toString('hex'),
      length: there.bytes,
      contentType: there.content_type,
      fileName: there.file_name,
      isLocal: there.kind !== MEDIA_KIND.copy,
    };
  }

  /** Hides a content from everybody, or shows it again. @throws MatrixError M_NOT_FOUND */
  async setQuarantined(address: MxcParts, quarantined: boolean): Promise<void> {
    const row = await this.#read(address);
    if (row === undefined) throw notFound('The media does not exist');
    await this.#parts.database.commit([setMediaQuarantined(row, quarantined)]);
  }

  async #read({ server, mediaId }: MxcParts): Promise<MediaRow | undefined> {
    const { database, origins } = this.#parts;
    const num = await origins.find(server);
    return num === undefined ? undefined : readMedia(database, num, mediaId);
  }

  /** In quarantine, or read without a token though it came after the freeze of the paths that need none. */
  #isHidden(row: MediaRow, { hasToken }: MediaRequest): boolean {
    return row.quarantined === 1 || (!hasToken && row.needs_token === 1 && !this.#parts.settings.isOpen);
  }

  async #wait({ origin, media_id, expires }: MediaRow, { waitMs, client }: MediaRequest): Promise<MediaRow> {
    const { database, clock, uploadWaiters } = this.#parts;
    if (expires !== null && expires <= clock.now()) throw notFound();
    await uploadWaiters.wait(media_id, Math.min(waitMs ?? WAIT_MS_DEFAULT, WAIT_MS_MAX), client.cancellation);
    const row = await readMedia(database, origin, media_id);
    if (row === undefined) throw notFound();
    return row;
  }

  async #fetch(address: MxcParts, { hasToken, mayFetch, waitMs }: MediaRequest): Promise<MediaRow> {
    const { origins, copies, settings } = this.#parts;
    // A copy that is made now is newer than the freeze: there is no use in making it.
    const isForNobody = !hasToken && !settings.isOpen;
    if (origins.isLocal(address.server) || !mayFetch || isForNobody) throw notFound();
    return copies.fetch(address, Math.min(waitMs ?? WAIT_MS_DEFAULT, WAIT_MS_MAX));
  }
}
