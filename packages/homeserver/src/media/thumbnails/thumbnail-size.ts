export interface Size {
  readonly width: number;
  readonly height: number;
}

export type ThumbnailMethod = 'crop' | 'scale';

/**
 * Returns the size for a request among those that are made: never smaller than asked, and of the asked shape if
 * there is one. `undefined` when all are smaller: the whole image is the answer then.
 */
export function chooseSize(sizes: readonly Size[], wanted: Size, method: ThumbnailMethod): Size | undefined {
  const large = sizes.filter(({ width, height }) => width >= wanted.width && height >= wanted.height);
  const cost = (size: Size) => (method === 'crop' ? shapeDifference(size, wanted) : 0);
  const sorted = large.toSorted((a, b) => cost(a) - cost(b) || area(a) - area(b));
  return sorted[0];
}

/**
 * The size of an image's thumbnail; it is never larger than the image. "Scale" keeps the shape and covers the given
 * size, "crop" has the given size ("Thumbnails": never smaller than requested unless the image is).
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

/** 0 for the same shape, else how many times wider or narrower, as a logarithm. */
function shapeDifference(a: Size, b: Size): number {
  return Math.abs(Math.log((a.width * b.height) / (a.height * b.width)));
}
