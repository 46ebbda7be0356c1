import type { Outbound } from '../../platform/outbound/outbound.ts';
import { OutboundError } from '../../platform/outbound/reply.ts';
import { bareType } from '../content-type.ts';
import { SNIFFED_BYTES, sniffType } from '../sniff.ts';
import { imageSize } from '../thumbnails/make-thumbnail.ts';
import { decodeText } from './decode-text.ts';
import { type FetchedPage, type FetchLimits, fetchPage } from './fetch-page.ts';
import { readOembed } from './oembed.ts';
import { readPage } from './page.ts';

export interface PreviewMaker {
  readonly outbound: Outbound;
  readonly imageBytesMax: number;
  /** Stores an image as media of this server. Returns its mxc URI. */
  readonly storeImage: (bytes: Buffer, contentType: string) => Promise<string>;
}

type Properties = Record<string, string | number>;

const PAGE_BYTES_MAX = 1024 * 1024;
const OEMBED_BYTES_MAX = 64 * 1024;
const IMAGES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif']);
const PAGES: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);

/** Creates the preview of a page or an image. This file is loaded with the first preview. @throws OutboundError */
export async function makePreview(maker: PreviewMaker, url: URL): Promise<Properties> {
  const fetched = await fetchPage(maker.outbound, url, limits(maker, PAGE_BYTES_MAX));
  const type = bareType(fetched.contentType ?? '');
  if (type.startsWith('image/')) return { 'og:title': lastOf(fetched.url), ...(await imageOf(maker, fetched)) };
  return PAGES.has(type) ? previewPage(maker, fetched) : {};
}

async function previewPage(maker: PreviewMaker, fetched: FetchedPage): Promise<Properties> {
  const page = readPage(decodeText(fetched.bytes, fetched.contentType));
  const properties = new Map(page.properties);
  for (const [name, value] of await askOembed(maker, page.oembed, fetched.url)) {
    if (!properties.has(name)) properties.set(name, value);
  }
  const image = properties.get('og:image') ?? properties.get('og:image:url') ?? properties.get('og:image:secure_url');
  // The properties of the copied image replace those in the page.
  for (const name of properties.keys()) if (/^og:image(:|$)/.test(name)) properties.delete(name);
  return { ...Object.fromEntries(properties), ...(await fetchImage(maker, image, fetched.url)) };
}

async function askOembed(maker: PreviewMaker, href: string | undefined, page: URL): Promise<Map<string, string>> {
  const url = href === undefined ? null : URL.parse(href, page.href);
  if (url === null) return new Map();
  const fetched = await unlessRefused(fetchPage(maker.outbound, url, limits(maker, OEMBED_BYTES_MAX)));
  return fetched === undefined ? new Map() : readOembed(decodeText(fetched.bytes, fetched.contentType));
}

async function fetchImage(maker: PreviewMaker, href: string | undefined, page: URL): Promise<Properties> {
  const url = href === undefined ? null : URL.parse(href, page.href);
  if (url === null) return {};
  const fetched = await unlessRefused(fetchPage(maker.outbound, url, limits(maker, maker.imageBytesMax)));
  return fetched === undefined ? {} : imageOf(maker, fetched);
}

/** Returns the properties of a stored image; none if the bytes are not an image. */
async function imageOf({ storeImage }: PreviewMaker, { bytes }: FetchedPage): Promise<Properties> {
  const type = await sniffType(bytes.subarray(0, SNIFFED_BYTES));
  if (type === undefined || !IMAGES.has(type)) return {};
  const size = await imageSize(bytes).catch(() => undefined);
  if (size === undefined) return {};
  return {
    'og:image': await storeImage(bytes, type),
    'og:image:type': type,
    'og:image:width': size.width,
    'og:image:height': size.height,
    'matrix:image:size': bytes.length,
  };
}

/** Returns undefined if the image cannot be fetched, because a preview is useful without it. */
async function unlessRefused(fetching: Promise<FetchedPage>): Promise<FetchedPage | undefined> {
  try {
    return await fetching;
  } catch (error) {
    if (error instanceof OutboundError) return undefined;
    throw error;
  }
}

function limits({ imageBytesMax }: PreviewMaker, pageBytesMax: number): FetchLimits {
  return { pageBytesMax, imageBytesMax };
}

function lastOf(url: URL): string {
  return decodeLoosely(url.pathname.split('/').at(-1) ?? '') || url.host;
}

function decodeLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
