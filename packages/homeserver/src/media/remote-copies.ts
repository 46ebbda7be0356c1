import { MatrixError, matrixError } from '@hearth/protocol/errors.ts';
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
import type { RemoteMedia } from './remote-media.ts';

interface RemoteCopiesParts {
  readonly database: Database;
  readonly names: Names;
  readonly clock: Clock;
  readonly blobs: Blobs;
  readonly remote: RemoteMedia;
  readonly settings: MediaSettings;
}

/** Copies of media of other servers. */
export class RemoteCopies {
  readonly #parts: RemoteCopiesParts;
  /** The contents that are being fetched, so that each is fetched once. */
  readonly #fetching = new InFlight<string, MediaRow>();

  constructor(parts: RemoteCopiesParts) {
    this.#parts = parts;
  }

  /** Fetches a content from its server and stores it. @throws MatrixError M_NOT_FOUND, M_TOO_LARGE */
  fetch(address: MxcParts, waitMs: number): Promise<MediaRow> {
    return this.#fetching.run(`${address.server}/${address.mediaId}`, () => this.#copy(address, waitMs));
  }

  /** Creates a copy of another server's content. */
  async #copy(address: MxcParts, waitMs: number): Promise<MediaRow> {
    const { database, names, clock, blobs, remote, settings } = this.#parts;
    const { content, fileName } = await remote.fetch(address, waitMs);
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

/**
 * Returns the error for a content of another server that is too large, which the client has not caused ("Security
 * considerations").
 */
function tooLargeThere(): MatrixError {
  return matrixError('M_TOO_LARGE', 'The content is too large to serve', { status: 502 });
}
