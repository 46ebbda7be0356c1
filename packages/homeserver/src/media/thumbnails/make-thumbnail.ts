import sharp, { type SharpOptions } from 'sharp';
import { type Size, type ThumbnailMethod, thumbnailSize } from './thumbnail-size.ts';

/** The wanted form of an image. */
export interface ThumbnailRequest {
  /** `undefined`: as large as the image. */
  readonly size: Size | undefined;
  readonly method: ThumbnailMethod;
  readonly animated: boolean;
  /** More pixels than that, over all frames, are not decoded. */
  readonly pixelsMax: number;
}

/** A thumbnail; `original`: the image itself is as small as one would be. */
export type Thumbnail = { readonly bytes: Buffer; readonly contentType: string } | 'original';

/** The image has more pixels than may be decoded. */
export class TooManyPixels extends Error {}

const SECONDS_MAX = 20;
const JPEG_QUALITY = 80;
/** The types that thumbnails may have ("GET thumbnail"): an image of another type is never its own thumbnail. */
const ANSWERED: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);

// One image at a time for each task, of which there are few; and nothing kept once it is done.
sharp.concurrency(1);
sharp.cache(false);

// The type has been looked at before; should bytes ever look different to the library, nothing else opens them.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Heif'].map((format) => `VipsForeignLoad${format}`),
});

/** The dimensions of an image as it is shown, from its header alone. @throws Error for what is no image */
export async function imageSize(input: string | Buffer): Promise<Size> {
  const { autoOrient } = await sharp(input, { limitInputPixels: false }).metadata();
  return autoOrient;
}

/**
 * Makes a thumbnail of an image, whose type has been looked at. Loaded only when there is one to make.
 * @throws TooManyPixels, before anything is decoded; Error for what cannot be decoded
 */
export async function makeThumbnail(
  input: string | Buffer,
  sourceType: string,
  { size, method, animated, pixelsMax }: ThumbnailRequest,
): Promise<Thumbnail> {
  const { autoOrient: image, pages = 1, hasAlpha } = await sharp(input, { limitInputPixels: false }).metadata();
  const pixels = image.width * image.height;
  if (pixels > pixelsMax) throw new TooManyPixels(`${image.width}×${image.height} pixels`);
  const moves = pages > 1 && animated && pixels * pages <= pixelsMax;
  const target = thumbnailSize(image, size, method);
  const isWhole = target.width === image.width && target.height === image.height;
  // A picture that moves is only its own thumbnail where it may move.
  const isStill = pages === 1 && sourceType !== 'image/apng';
  if (isWhole && ANSWERED.has(sourceType) && (isStill || moves)) return 'original';
  const options: SharpOptions = { limitInputPixels: pixelsMax, pages: moves ? -1 : 1, sequentialRead: true };
  const resized = sharp(input, options)
    .timeout({ seconds: SECONDS_MAX })
    .autoOrient()
    .resize({ ...target, fit: method === 'crop' ? 'cover' : 'fill' });
  if (moves) return { bytes: await resized.webp().toBuffer(), contentType: 'image/webp' };
  if (hasAlpha || sourceType === 'image/png') {
    return { bytes: await resized.png().toBuffer(), contentType: 'image/png' };
  }
  return { bytes: await resized.jpeg({ quality: JPEG_QUALITY }).toBuffer(), contentType: 'image/jpeg' };
}
