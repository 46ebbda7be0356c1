import { MatrixError } from '@hearth/protocol/errors.ts';
import type { MxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';
import type { Clock } from '../platform/clock.ts';
import { InFlight } from '../platform/concurrency/in-flight.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import { insertMedia, MEDIA_KIND, type MediaRow } from '../storage/media/media.ts';
import type { Blobs } from './blobs/blobs.ts';
import { cleanType } from './content-type.ts';
import { cleanFileName } from './file-name.ts';
import type { MediaSettings } from './media-settings.ts';
import { noRemoteMedia, type RemoteFile, type RemoteMedia, tooLargeThere } from './remote-media.ts';

interface RemoteCopiesParts {
  readonly database: Database;
  readonly names: Names;
  readonly clock: Clock;
  readonly blobs: Blobs;
  readonly settings: MediaSettings;
}

/** Copies of media of other servers. */
export class RemoteCopies {
  readonly #parts: RemoteCopiesParts;
  /** The contents that are being fetched, so that each is fetched once. */
  readonly #fetching = new InFlight<string, MediaRow>();
  #remote: RemoteMedia = noRemoteMedia;

  constructor(parts: RemoteCopiesParts) {
    this.#parts = parts;
  }

  /** Sets the source of contents, which is created after this object. */
  fetchFrom(remote: RemoteMedia): void {
    this.#remote = remote;
  }

  /**
   * Fetches a content from its server and stores it.
   * @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED, M_TOO_LARGE (502), M_UNKNOWN (502)
   */
  fetch(address: MxcParts, waitMs: number): Promise<MediaRow> {
    return this.#fetching.run(`${address.server}/${address.mediaId}`, () =>
      this.#remote.fetch(address, waitMs, (file) => this.#store(address, file)),
    );
  }

  /** Stores a copy of another server's content. */
  async #store(address: MxcParts, { content, fileName }: RemoteFile): Promise<MediaRow> {
    const { database, names, clock, blobs, settings } = this.#parts;
    const origin = await names.reserve(address.server);
    const now = clock.now();
    const keeping = blobs.keep(content, settings.uploadBytesMax, async (blob) => {
      const row: MediaRow = {
        origin,
        media_id: address.mediaId,
        kind: MEDIA_KIND.copy,
        user_num: null,
        hash: blob.hash,
        bytes: blob.bytes,
        content_type: cleanType(content.contentType),
        file_name: cleanFileName(fileName),
        created: now,
        expires: null,
        used: now,
        needs_token: settings.isOpen ? 0 : 1,
        quarantined: 0,
      };
      await database.commit([...names.inserts(origin), insertMedia(row)]);
      return row;
    });
    return keeping.catch((error: unknown) => {
      throw error instanceof MatrixError && error.errcode === 'M_TOO_LARGE' ? tooLargeThere() : error;
    });
  }
}
