export interface Size {
  readonly width: number;
  readonly height: number;
}

export type ThumbnailMethod = 'crop' | 'scale';

/**
 * Returns the configured size for a request. It is never smaller than requested, and has the nearest aspect ratio for
 * "crop". `undefined` if all sizes are smaller, so that the answer is the original image.
 */
export function chooseSize(sizes: readonly Size[], wanted: Size, method: ThumbnailMethod): Size | undefined {
  const large = sizes.filter(({ width, height }) => width >= wanted.width && height >= wanted.height);
  const cost = (size: Size) => (method === 'crop' ? shapeDifference(size, wanted) : 0);
  const sorted = large.toSorted((a, b) => cost(a) - cost(b) || area(a) - area(b));
  return sorted[0];
}

/**
 * Returns the size of an image's thumbnail, which is never larger than the image. "Scale" keeps the aspect ratio and
 * covers the given size; "crop" has the given size ("Thumbnails": never smaller than requested unless the image is).
 */
export function thumbnailSize(image: Size, size: Size | undefined, method: ThumbnailMethod): Size {
  if (size === undefined) return image;
  if (method === 'crop') {
    return { width: Math.min(image.width, size.width), height: Math.min(image.height, size.height) };
  }
  const factor = Math.min(1, Math.max(size.width / image.width, size.height / image.height));
  return {
    width: Math.min(image.width, Math.ceil(image.width * factor)),
    height: Math.min(image.height, Math.ceil(image.height * factor)),
  };
}

function area({ width, height }: Size): number {
  return width * height;
}

/** Returns the difference of two aspect ratios as a logarithm; 0 for equal ones. */
function shapeDifference(a: Size, b: Size): number {
  return Math.abs(Math.log((a.width * b.height) / (a.height * b.width)));
}
