import { closeSync, createReadStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { AwsV4Signer } from 'aws4fetch';
import { BlobMissing, type BlobReader, type BlobStore, type Received, type StoredBlob } from './blob-store.ts';

/** The location of the bucket and the credentials for it. */
export interface S3Settings {
  /** The URL of the service, such as `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** A prefix of every key, such as `media/`. */
  readonly prefix: string;
}

const REQUEST_MS_MAX = 60_000;
const REPLY_BYTES_MAX = 4 * 1024 * 1024;
/** The signature does not cover the body, because its SHA-256 would cost more than the rest of the request. */
const UNSIGNED = 'UNSIGNED-PAYLOAD';
const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

interface Sent {
  readonly headers?: Record<string, string>;
  /** Whether there is a body. */
  readonly hasBody?: boolean;
  readonly send?: (request: ClientRequest) => void;
}

/** A store of contents as objects of a bucket of any S3 service. This file is loaded only if it is configured. */
export class S3Store implements BlobStore {
  readonly #settings: S3Settings;
  readonly #agent;

  constructor(settings: S3Settings) {
    this.#settings = settings;
    const { Agent } = moduleFor(settings.endpoint);
    this.#agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: REQUEST_MS_MAX });
  }

  /** Uploads a file. S3 stores an object completely or not at all. */
  async keep({ hash, length, chunks, file }: Received): Promise<void> {
    const headers = { 'content-length': `${length}`, 'content-type': 'application/octet-stream' };
    try {
      const reply = await this.#request('PUT', this.#key(hash), {
        headers,
        hasBody: true,
        send: (request) => {
          if (file === undefined) request.end(Buffer.concat(chunks));
          else
            createReadStream(file.path)
              .on('error', (error) => request.destroy(error))
              .pipe(request);
        },
      });
      await expectStatus(reply, [200]);
    } finally {
      if (file !== undefined) {
        closeSync(file.descriptor);
        await unlink(file.path);
      }
    }
  }

  async open(hash: string, from: number, to: number): Promise<BlobReader> {
    const range: Record<string, string> = to > from ? { range: `bytes=${from}-${to - 1}` } : {};
    const reply = await this.#request('GET', this.#key(hash), { headers: range });
    if (reply.statusCode === 404) {
      reply.destroy();
      throw new BlobMissing(hash);
    }
    if (reply.statusCode !== 200 && reply.statusCode !== 206) await expectStatus(reply, [206]);
    const chunks = reply[Symbol.asyncIterator]();
    return {
      async next() {
        const { value, done } = await chunks.next();
        return done === true ? undefined : value;
      },
      close: () => void (reply.readableEnded || reply.destroy()),
    };
  }

  path(): undefined {
    return undefined;
  }

  async remove(hash: string): Promise<void> {
    await expectStatus(await this.#request('DELETE', this.#key(hash)), [200, 204, 404]);
  }

  async *list(): AsyncIterable<readonly StoredBlob[]> {
    let token: string | undefined;
    do {
      const search = new URLSearchParams({ 'list-type': '2', prefix: this.#settings.prefix });
      if (token !== undefined) search.set('continuation-token', token);
      const text = await expectStatus(await this.#request('GET', '', {}, search), [200]);
      yield [...text.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].flatMap(([, object = '']) => this.#stored(object));
      token = member(text, 'NextContinuationToken');
    } while (token !== undefined);
  }

  close(): void {
    this.#agent.destroy();
  }

  #key(hash: string): string {
    return `${this.#settings.prefix}${hash.slice(0, 2)}/${hash.slice(2)}`;
  }

  /** Returns the stored file of an object in a listing, or nothing for an object of another program. */
  #stored(object: string): StoredBlob[] {
    const { prefix } = this.#settings;
    const key = member(object, 'Key') ?? '';
    const hash = key.slice(prefix.length).replace('/', '');
    if (!key.startsWith(prefix) || !/^[0-9a-f]{64}$/.test(hash)) return [];
    const status = { length: Number(member(object, 'Size')), ts: Date.parse(member(object, 'LastModified') ?? '') };
    return [{ hash, describe: () => Promise.resolve(status) }];
  }

  async #request(
    method: string,
    key: string,
    sent: Sent = {},
    search = new URLSearchParams(),
  ): Promise<IncomingMessage> {
    const { endpoint, bucket, region, accessKey: accessKeyId, secretKey: secretAccessKey } = this.#settings;
    const url = new URL(`${endpoint}/${bucket}/${key}`);
    url.search = search.toString();
    const headers = { ...sent.headers, 'x-amz-content-sha256': sent.hasBody === true ? UNSIGNED : EMPTY_HASH };
    const what = { method, url: url.href, headers, accessKeyId, secretAccessKey, region, service: 's3' };
    const signed = await new AwsV4Signer(what).sign();
    const options = {
      method,
      headers: { ...sent.headers, ...Object.fromEntries(signed.headers) },
      agent: this.#agent,
      timeout: REQUEST_MS_MAX,
    };
    const make = () => moduleFor(endpoint).request(signed.url, options);
    const first = make();
    try {
      return await answerTo(first, sent);
    } catch (error) {
      // The service has closed a reused connection. The request is repeated, because all requests are idempotent.
      if (first.reusedSocket && isReset(error)) return answerTo(make(), sent);
      throw error;
    }
  }
}

function answerTo(request: ClientRequest, { send }: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('the media store does not answer')));
    if (send === undefined) request.end();
    else send(request);
  });
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function moduleFor(endpoint: string) {
  return process.getBuiltinModule(endpoint.startsWith('http:') ? 'node:http' : 'node:https');
}

/** Reads a short answer. @throws Error when its status differs from the expected one */
async function expectStatus(reply: IncomingMessage, expected: readonly number[]): Promise<string> {
  let text = '';
  reply.setEncoding('utf8');
  for await (const part of reply) {
    text += part;
    if (text.length > REPLY_BYTES_MAX) throw new Error('the media store answers too much');
  }
  if (expected.includes(reply.statusCode ?? 0)) return text;
  throw new Error(`the media store answered ${reply.statusCode}: ${member(text, 'Code') ?? text.slice(0, 200)}`);
}

/** Returns the text of an XML element that contains only text. */
function member(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
