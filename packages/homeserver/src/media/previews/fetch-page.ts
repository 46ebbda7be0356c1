import type { Outbound, OutboundReply, OutboundRequest } from '../../platform/outbound/outbound.ts';
import { OutboundError } from '../../platform/outbound/reply.ts';

/** A fetched resource. */
export interface FetchedPage {
  /** The URL after redirects. */
  readonly url: URL;
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
}

/** The limits of a fetch. Only the beginning of a page is read; an image is read completely or not at all. */
export interface FetchLimits {
  readonly pageBytesMax: number;
  readonly imageBytesMax: number;
}

const TIMEOUT_MS = 15_000;
const ACCEPT = 'text/html, application/xhtml+xml, image/*;q=0.9, */*;q=0.5';

/** Fetches a page or an image. @throws OutboundError, also for an image that is too large */
export async function fetchPage(outbound: Outbound, url: URL, limits: FetchLimits): Promise<FetchedPage> {
  const request: OutboundRequest = { accept: ACCEPT, timeoutMs: TIMEOUT_MS };
  const reply = await outbound.get(url, request);
  const { contentType } = reply;
  if (reply.status < 200 || reply.status > 299) {
    reply.close();
    throw new OutboundError(`the answer was ${reply.status}`);
  }
  const isImage = contentType?.trim().toLowerCase().startsWith('image/') === true;
  const bytes = isImage
    ? await readWhole(reply, limits.imageBytesMax)
    : await readBeginning(reply, limits.pageBytesMax);
  return { url: reply.url, contentType, bytes };
}

async function readWhole(reply: OutboundReply, bytesMax: number): Promise<Buffer> {
  if ((reply.length ?? 0) > bytesMax) {
    reply.close();
    throw new OutboundError('the image is too large');
  }
  const bytes = await readBeginning(reply, bytesMax + 1);
  if (bytes.length > bytesMax) throw new OutboundError('the image is too large');
  return bytes;
}

/** An error that stops the reading of a page. */
class Enough extends Error {}

async function readBeginning(reply: OutboundReply, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= bytesMax) throw new Enough();
    return undefined;
  };
  await reply.receive(take).catch((error: unknown) => {
    if (!(error instanceof Enough)) throw error;
  });
  return Buffer.concat(chunks).subarray(0, bytesMax);
}
