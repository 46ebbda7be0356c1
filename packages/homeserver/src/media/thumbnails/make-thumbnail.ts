import sharp, { type SharpOptions } from 'sharp';
import { type Size, type ThumbnailMethod, thumbnailSize } from './thumbnail-size.ts';

/** The wanted form of an image. */
export interface ThumbnailRequest {
  /** The size; `undefined` for the size of the image. */
  readonly size: Size | undefined;
  readonly method: ThumbnailMethod;
  readonly animated: boolean;
  /** The maximum number of decoded pixels, over all frames. */
  readonly pixelsMax: number;
}

/** A thumbnail; `original` if the image itself is small enough. */
export type Thumbnail = { readonly bytes: Buffer; readonly contentType: string } | 'original';

/** The error for an image with too many pixels. */
export class TooManyPixels extends Error {}

const SECONDS_MAX = 20;
const JPEG_QUALITY = 80;
/** The content types of thumbnails ("GET thumbnail"). An image of another type is never its own thumbnail. */
const ANSWERED: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);

// Each of the few tasks processes one image at a time and keeps nothing afterwards.
sharp.concurrency(1);
sharp.cache(false);

// Other decoders are disabled, in case the library detects another type than the check before.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Heif'].map((format) => `VipsForeignLoad${format}`),
});

/** Returns the dimensions of an image as it is shown, from its header. @throws Error for bytes that are not an image */
export async function imageSize(input: string | Buffer): Promise<Size> {
  const { autoOrient } = await sharp(input, { limitInputPixels: false }).metadata();
  return autoOrient;
}

/**
 * Creates a thumbnail of an image whose type was checked. This file is loaded with the first thumbnail.
 * @throws TooManyPixels, before anything is decoded; Error for bytes that cannot be decoded
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
  // An animated image is its own thumbnail only if the request permits animation.
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
