import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { BlobStore } from '../media/blobs/blob-store.ts';
import { Blobs } from '../media/blobs/blobs.ts';
import { IncomingFolder } from '../media/blobs/content-receiver.ts';
import { FolderStore } from '../media/blobs/folder-store.ts';
import { Contents } from '../media/contents.ts';
import { collectGarbage, type GarbageReport } from '../media/garbage.ts';
import { LastUsed } from '../media/last-used.ts';
import { Origins } from '../media/origins.ts';
import { Previews } from '../media/previews/previews.ts';
import { RemoteCopies } from '../media/remote-copies.ts';
import { Thumbnails } from '../media/thumbnails/thumbnails.ts';
import { UploadWaiters } from '../media/upload-waiters.ts';
import { Uploads } from '../media/uploads.ts';
import { memoise } from '../platform/caches/memoise.ts';
import { type Clock, DAY_MS } from '../platform/clock.ts';
import { type Random, randomText } from '../platform/random.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { OpenOutbound } from './outbound.ts';
import { mediaSettings, previewsKeptMs } from './settings.ts';

interface MediaBase {
  readonly database: Database;
  readonly names: Names;
  readonly clock: Clock;
  readonly random: Random;
  readonly outbound: OpenOutbound;
}

const loadPreviewMaker = memoise(() => import('../media/previews/make-preview.ts'));

/** Creates the content repository. It does not access the disk before there is media. */
export async function openMedia(base: MediaBase, config: Config) {
  const { database, names, clock, random, outbound } = base;
  const { store, incoming } = await openStore(config, random);
  const blobs = new Blobs(database, store, incoming);
  const settings = mediaSettings(config);
  const uploadWaiters = new UploadWaiters(clock);
  const lastUsed = new LastUsed(database, clock);
  const origin = await names.reserve(config.server_name);
  const inserts = names.inserts(origin);
  if (inserts.length > 0) await database.commit(inserts);
  const origins = new Origins(config.server_name, origin, names);
  const copies = new RemoteCopies({ database, names, clock, blobs, settings });
  const uploads = new Uploads({ database, clock, random, blobs, uploadWaiters, origins, settings });
  const { previews: preview, thumbnail_sizes: sizes, image_pixels: pixelsMax } = config.media;
  const keptMs = previewsKeptMs(config);
  const previews = new Previews({ database, clock, settings: { enabled: preview.enabled, keptMs } }, async (url) => {
    const { makePreview } = await loadPreviewMaker();
    const storeImage = (bytes: Buffer, type: string) => uploads.storePreviewImage(bytes, type);
    return makePreview({ outbound: await outbound(), imageBytesMax: preview.image_bytes, storeImage }, url);
  });
  const copiesKeptMs = config.media.remote_kept_days * DAY_MS;
  return {
    blobs,
    settings,
    uploads,
    copies,
    contents: new Contents({ database, clock, origins, uploadWaiters, lastUsed, copies, settings }),
    thumbnails: new Thumbnails(database, blobs, { sizes, pixelsMax }),
    previews,
    lastUsed,
    collectGarbage: (dryRun: boolean): Promise<GarbageReport> =>
      collectGarbage({ database, clock, blobs, copiesKeptMs, previewsKeptMs: keptMs }, dryRun),
    async close() {
      await lastUsed.flush();
      store.close();
    },
  };
}

export type Media = Awaited<ReturnType<typeof openMedia>>;

async function openStore(
  { data_dir, media }: Config,
  random: Random,
): Promise<{ store: BlobStore; incoming: IncomingFolder }> {
  const folder = media.folder ?? join(data_dir, 'media');
  const incoming = new IncomingFolder(join(folder, 'incoming'), randomText(random, 16));
  const { s3 } = media;
  if (s3 === undefined) return { store: new FolderStore(folder, incoming), incoming };
  const { S3Store } = await import('../media/blobs/s3-store.ts');
  const { endpoint, bucket, region, access_key: accessKey, secret_key: secretKey, prefix } = s3;
  return { store: new S3Store({ endpoint, bucket, region, accessKey, secretKey, prefix }), incoming };
}
