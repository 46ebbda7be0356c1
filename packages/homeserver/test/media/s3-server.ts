import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that speaks as much of S3 as the store uses, and checks every signature (AWS Signature Version 4). */
export interface S3Server {
  readonly url: string;
  /** Objects by their key. */
  readonly objects: Map<string, { bytes: Buffer; modified: string }>;
  /** How many requests of which method there were. */
  readonly asked: string[];
  close(): Promise<void>;
}

export const BUCKET = 'media';
export const ACCESS_KEY = 'test-key';
export const SECRET_KEY = 'test-secret/+';
export const REGION = 'eu-test-1';
const PAGE = 2;

export async function startS3(): Promise<S3Server> {
  const objects: S3Server['objects'] = new Map();
  const asked: string[] = [];
  const server = createServer((request, response) => void answer(request, response, objects, asked));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  objects: S3Server['objects'],
  asked: string[],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const url = new URL(request.url ?? '', 'http://s3');
  const [, bucket, ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  asked.push(`${request.method} ${key}`);
  const refuse = (status: number, code: string) =>
    response.writeHead(status, { 'Content-Type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
  if (!isSigned(request, url, body)) return void refuse(403, 'SignatureDoesNotMatch');
  if (bucket !== BUCKET) return void refuse(404, 'NoSuchBucket');
  const { method } = request;
  if (method === 'PUT') {
    if (body.length !== Number(request.headers['content-length'])) return void refuse(411, 'MissingContentLength');
    objects.set(key, { bytes: body, modified: '2020-01-02T03:04:05.000Z' });
    response.writeHead(200, { ETag: '"x"' }).end();
  } else if (method === 'DELETE') {
    objects.delete(key);
    response.writeHead(204).end();
  } else if (key === '') list(url, response, objects);
  else {
    const object = objects.get(key);
    if (object === undefined) return void refuse(404, 'NoSuchKey');
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (from === undefined) response.writeHead(200).end(object.bytes);
    else response.writeHead(206).end(object.bytes.subarray(Number(from), Number(to) + 1));
  }
}

function list({ searchParams }: URL, response: ServerResponse, objects: S3Server['objects']): void {
  const prefix = searchParams.get('prefix') ?? '';
  const after = searchParams.get('continuation-token') ?? '';
  const all = [...objects]
    .filter(([key]) => key.startsWith(prefix) && key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const page = all.slice(0, PAGE);
  const contents = page.map(
    ([key, { bytes, modified }]) =>
      `<Contents><Key>${key}</Key><LastModified>${modified}</LastModified><Size>${bytes.length}</Size></Contents>`,
  );
  const more = all.length > PAGE ? `<NextContinuationToken>${page.at(-1)?.[0]}</NextContinuationToken>` : '';
  const xml = `<?xml version="1.0"?><ListBucketResult>${contents.join('')}${more}</ListBucketResult>`;
  response.writeHead(200, { 'Content-Type': 'application/xml' }).end(xml);
}

function isSigned({ method, headers }: IncomingMessage, url: URL, body: Buffer): boolean {
  const [, key, date = '', signed = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/[^,]+, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const claimed = String(headers['x-amz-content-sha256']);
  if (key !== ACCESS_KEY || (claimed !== 'UNSIGNED-PAYLOAD' && claimed !== sha256(body))) return false;
  if (!signed.split(';').includes('x-amz-content-sha256')) return false;
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const canonical = [
    method,
    url.pathname,
    query.join('&'),
    ...signed.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signed,
    claimed,
  ].join('\n');
  const scope = `${date}/${REGION}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const secret = [date, REGION, 's3', 'aws4_request'].reduce<string | Buffer>(
    (from, part) => createHmac('sha256', from).update(part).digest(),
    `AWS4${SECRET_KEY}`,
  );
  return createHmac('sha256', secret).update(text).digest('hex') === signature;
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
