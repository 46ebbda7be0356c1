import type { MxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { Clock } from '../../platform/clock.ts';
import { KeyedSlots } from '../../platform/concurrency/keyed-slots.ts';
import { Slots } from '../../platform/concurrency/slots.ts';
import type { Outbound } from '../../platform/outbound/outbound.ts';
import { type IncomingReply, OutboundError } from '../../platform/outbound/reply.ts';
import { type RemoteFile, type RemoteMedia, tooLargeThere } from '../remote-media.ts';
import { boundaryOf, fileNameOf } from './header-parameters.ts';
import { mediaFailure } from './media-failure.ts';
import { MultipartReader } from './multipart-reader.ts';
import { BODY_MS, steadyChunks } from './steady-chunks.ts';

interface FederatedMediaParts {
  readonly client: Pick<FederationClient, 'requestFile'>;
  /** The client for redirects. */
  readonly outbound: Pick<Outbound, 'get'>;
  readonly clock: Clock;
  /** The maximum length of a file. */
  readonly bytesMax: number;
}

/** A function that reads a file as it arrives. */
type Store<T> = (file: RemoteFile) => Promise<T>;

/** The result of a function that has read a file, or the URL at which the file is. */
type Stored<T> = { readonly result: T } | { readonly location: string };

const DOWNLOADS = { running: 128, waiting: 2_000 };
/** A client may request the avatars of all members of a room at the same time. */
const DOWNLOADS_OF_SERVER = { running: 16, waiting: 500 };
/** The time until an answer begins. A server may fetch a file from elsewhere before it answers. */
const HEAD_MS = 60_000;
/** The number of bytes that a multipart answer may have besides the file. */
const OVERHEAD_BYTES_MAX = 64 * 1024;
/** The URL against which relative URLs are resolved. No host has this name. */
const RELATIVE = new URL('https://relative.invalid');

/** Fetches media from other servers (server-server API, "Content Repository"). */
export class FederatedMedia implements RemoteMedia {
  readonly #parts: FederatedMediaParts;
  readonly #downloads = new Slots(DOWNLOADS);
  readonly #serverDownloads = new KeyedSlots<string>(DOWNLOADS_OF_SERVER);

  constructor(parts: FederatedMediaParts) {
    this.#parts = parts;
  }

  async fetch<T>(address: MxcParts, waitMs: number, store: Store<T>): Promise<T> {
    const { server } = address;
    try {
      return await this.#serverDownloads.run(server, () =>
        this.#downloads.run(() => this.#fetch(address, waitMs, store)),
      );
    } catch (error) {
      throw mediaFailure(error, server);
    }
  }

  async #fetch<T>({ server, mediaId }: MxcParts, waitMs: number, store: Store<T>): Promise<T> {
    const path = `/_matrix/federation/v1/media/download/${mediaId}?timeout_ms=${waitMs}`;
    let reply: IncomingReply;
    try {
      reply = await this.#request(server, { path, timeoutMs: HEAD_MS + waitMs });
    } catch (error) {
      if (isUnrecognized(error)) return this.#fetchByOldPath({ server, mediaId }, waitMs, store);
      throw error;
    }
    const stored = await closing(reply, () => this.#storeParts(reply, store));
    return 'result' in stored ? stored.result : this.#follow(server, stored.location, store);
  }

  /** Fetches a content from a server that does not have authenticated media (client-server API, "Content repository"). */
  #fetchByOldPath<T>({ server, mediaId }: MxcParts, waitMs: number, store: Store<T>): Promise<T> {
    const query = `allow_remote=false&timeout_ms=${waitMs}`;
    const path = `/_matrix/media/v3/download/${server}/${mediaId}?${query}`;
    return this.#fetchUnsigned(server, path, HEAD_MS + waitMs, store);
  }

  async #fetchUnsigned<T>(server: string, path: string, timeoutMs: number, store: Store<T>): Promise<T> {
    return this.#storePlain(await this.#request(server, { path, timeoutMs, isUnsigned: true }), store);
  }

  /** Fetches the content from the URL in `Location`. A relative URL is one of the same server. */
  async #follow<T>(server: string, location: string, store: Store<T>): Promise<T> {
    const url = URL.parse(location, RELATIVE.href);
    if (url === null) throw new OutboundError('the location is not a URL');
    if (url.origin === RELATIVE.origin) {
      return this.#fetchUnsigned(server, `${url.pathname}${url.search}`, HEAD_MS, store);
    }
    const request = { accept: '*/*', timeoutMs: HEAD_MS, bodyTimeoutMs: BODY_MS, isHttpsOnly: true };
    return this.#storePlain(await this.#parts.outbound.get(url, request), store);
  }

  #request(
    server: string,
    request: { readonly path: string; readonly timeoutMs: number; readonly isUnsigned?: true },
  ): Promise<IncomingReply> {
    return this.#parts.client.requestFile(server, { method: 'GET', ...request });
  }

  /** Stores the second part of a multipart answer. The first is metadata that the specification does not define yet. */
  async #storeParts<T>(reply: IncomingReply, store: Store<T>): Promise<Stored<T>> {
    const boundary = boundaryOf(reply.contentType);
    if (boundary === undefined) throw new OutboundError('the answer is not multipart');
    const chunks = this.#chunksOf(reply);
    try {
      return await storeSecond(new MultipartReader(chunks, boundary), store);
    } finally {
      await chunks.return();
    }
  }

  /** Stores the body of an answer. */
  #storePlain<T>(reply: IncomingReply, store: Store<T>): Promise<T> {
    return closing(reply, () => {
      if (reply.status !== 200) throw new OutboundError(`the answer was ${reply.status}`);
      const names = { contentType: reply.contentType, disposition: reply.header('content-disposition') };
      return store(fileOf(names, this.#chunksOf(reply)));
    });
  }

  /** Returns the bytes of an answer. A compressed answer is refused because the request did not accept any. */
  #chunksOf(reply: IncomingReply): AsyncGenerator<Buffer, void> {
    const encoding = reply.header('content-encoding')?.trim().toLowerCase() ?? 'identity';
    if (encoding !== 'identity') throw new OutboundError('the answer is compressed');
    const { clock, bytesMax } = this.#parts;
    if ((reply.length ?? 0) > bytesMax + OVERHEAD_BYTES_MAX) throw tooLargeThere();
    return steadyChunks(reply, clock);
  }
}

async function storeSecond<T>(parts: MultipartReader, store: Store<T>): Promise<Stored<T>> {
  await parts.next();
  const headers = await parts.next();
  if (headers === undefined) throw new OutboundError('the answer has no second part');
  const location = headers.get('location');
  if (location !== undefined) return { location };
  const names = { contentType: headers.get('content-type'), disposition: headers.get('content-disposition') };
  const result = await store(fileOf(names, parts.content()));
  // The file is complete, whatever follows.
  await parts.end().catch(() => {});
  return { result };
}

/** Runs a task and closes the answer that it reads. */
async function closing<T>(reply: IncomingReply, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } finally {
    reply.close();
  }
}

function fileOf(
  { contentType, disposition }: { readonly contentType: string | undefined; readonly disposition: string | undefined },
  chunks: AsyncGenerator<Buffer, void>,
): RemoteFile {
  const content = {
    contentType,
    length: undefined,
    receive: async (take: (chunk: Buffer) => Promise<void> | undefined) => {
      for await (const chunk of chunks) await take(chunk);
    },
  };
  return { content, fileName: fileNameOf(disposition) };
}

function isUnrecognized(error: unknown): boolean {
  return error instanceof FederationError && error.status === 404 && error.errcode === 'M_UNRECOGNIZED';
}
