import { notFound, notYetUploaded } from '@hearth/protocol/errors.ts';
import type { MxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';
import type { Clock } from '../platform/clock.ts';
import type { Cancellation } from '../platform/concurrency/cancellation.ts';
import type { Database } from '../storage/engine/database.ts';
import { MEDIA_KIND, type MediaRow, readMedia, setMediaQuarantined } from '../storage/media/media.ts';
import type { LastUsed } from './last-used.ts';
import { mediaAddress } from './media-address.ts';
import type { MediaSettings } from './media-settings.ts';
import type { Origins } from './origins.ts';
import type { RemoteCopies } from './remote-copies.ts';
import type { UploadWaiters } from './upload-waiters.ts';

/** A content that can be sent. */
export interface Content {
  /** The hash of the content in hexadecimal digits. */
  readonly hash: string;
  readonly length: number;
  readonly contentType: string;
  readonly fileName: string | null;
  /** Whether a user of this server has uploaded the content. */
  readonly isLocal: boolean;
}

/** The requesting client and its parameters. */
export interface MediaRequest {
  readonly hasToken: boolean;
  /** Whether the server may fetch missing media from other servers. */
  readonly mayFetch: boolean;
  /** The time for which the request waits for a content that is not uploaded yet. */
  readonly waitMs: number | undefined;
  /** The client, whose cancellation is created only if the request has to wait. */
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

/** Finds the contents of media of this and other servers ("Content repository"). */
export class Contents {
  readonly #parts: ContentsParts;

  constructor(parts: ContentsParts) {
    this.#parts = parts;
  }

  /** Returns the content of an mxc URI. @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED, M_TOO_LARGE */
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

  /**
   * Returns the content of a media id of this server, for another server.
   * @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED
   */
  async findLocal(mediaId: string, waitMs: number | undefined, client: MediaRequest['client']): Promise<Content> {
    const { serverName } = this.#parts.origins;
    return this.find(mediaAddress({ serverName, mediaId }), { hasToken: true, mayFetch: false, waitMs, client });
  }

  /** Puts media into quarantine, or releases them. @throws MatrixError M_NOT_FOUND */
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

  /**
   * Returns whether the request may not read the media: they are in quarantine, or they are newer than the freeze and
   * the request has no token.
   */
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
    // A new copy would be newer than the freeze, so that this request could not read it.
    const isForNobody = !hasToken && !settings.isOpen;
    if (origins.isLocal(address.server) || !mayFetch || isForNobody) throw notFound();
    return copies.fetch(address, Math.min(waitMs ?? WAIT_MS_DEFAULT, WAIT_MS_MAX));
  }
}
