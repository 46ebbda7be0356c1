import { notFound } from '@hearth/protocol/errors.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { FederationError } from '../../../src/federation/client/federation-error.ts';
import { FederatedMedia } from '../../../src/media/remote/federated-media.ts';
import type { RemoteFile } from '../../../src/media/remote-media.ts';
import { type IncomingReply, OutboundError } from '../../../src/platform/outbound/reply.ts';
import { nameOf } from '../../federation/support/peer.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const HEAD = '--b\r\n\r\n{}\r\n--b\r\n\r\n';

let clock: ManualClock;
/** The answer of the other server. */
let network: () => Promise<IncomingReply>;
let media: FederatedMedia;
let closed: number;
beforeEach(() => {
  clock = new ManualClock();
  closed = 0;
  network = () => Promise.resolve(reply(bodyOf(`${HEAD}file\r\n--b--`)));
  media = new FederatedMedia({
    client: { requestFile: () => network() },
    outbound: { get: () => Promise.reject(new Error('not expected')) },
    clock,
    bytesMax: 1_000_000,
  });
});

const bodyOf = (text: string) =>
  (async function* () {
    yield await Promise.resolve(Buffer.from(text));
  })();

function reply(body: AsyncGenerator<Buffer, void>, close: () => void = () => {}): IncomingReply {
  return {
    status: 200,
    contentType: 'multipart/mixed; boundary=b',
    length: undefined,
    header: () => undefined,
    chunks: () => body,
    receive: () => Promise.reject(new Error('not expected')),
    close: () => {
      closed += 1;
      close();
    },
  };
}

/** Returns an answer that sends `chunk` each time the clock has passed `everyMs`, until it is closed. */
function slowly(chunk: Buffer, everyMs: number): IncomingReply {
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => {});
  const body = async function* (): AsyncGenerator<Buffer, void> {
    yield Buffer.from(HEAD);
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.after(everyMs, resolve);
      await Promise.race([promise, gone.promise]);
      yield chunk;
    }
  };
  return reply(body(), () => gone.reject(new OutboundError('closed')));
}

async function store({ content }: RemoteFile): Promise<string> {
  let text = '';
  await content.receive((chunk) => {
    text += chunk.toString();
    return undefined;
  });
  return text;
}

const fetch = (server = 'peer.example', keep: (file: RemoteFile) => Promise<string> = store) =>
  media.fetch({ server: nameOf(server), mediaId: 'm' }, 0, keep);
/** Returns the status and error code of a failure. */
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { status: number; errcode: string }) => [error.status, error.errcode],
  );

describe('a download from another server', () => {
  test('ends when fewer bytes than the minimum arrive', async () => {
    network = () => Promise.resolve(slowly(Buffer.alloc(1_000), 10_000));
    const failed = failure(fetch());
    await clock.pass(0);
    await clock.pass(31_000);
    expect(await failed).toEqual([502, 'M_UNKNOWN']);
  });

  test('ends after its time if bytes arrive without an end', async () => {
    network = () => Promise.resolve(slowly(Buffer.alloc(50_000), 20_000));
    const failed = failure(fetch());
    await clock.pass(0);
    await clock.pass(20 * 60_000);
    expect(await failed).toEqual([502, 'M_UNKNOWN']);
  });

  test('leaves no timer and closes its answer, whatever its result', async () => {
    const before = closed;
    await fetch();
    await failure(fetch('peer.example', () => Promise.reject(new Error('disk'))));
    const location = `${HEAD.slice(0, -4)}\r\nLocation: /x\r\n\r\n--b--`;
    network = () => Promise.resolve(reply(bodyOf(location)));
    await failure(fetch());
    const closings = closed;
    expect(closings).toBeGreaterThan(before);
    await clock.pass(60 * 60_000);
    expect(closed).toBe(closings);
  });

  test('is refused without reading the answer if the stated length is too large', async () => {
    let isRead = false;
    const body = (async function* () {
      isRead = true;
      yield await Promise.resolve(Buffer.from(HEAD));
    })();
    network = () => Promise.resolve({ ...reply(body), length: 1_100_000 });
    expect(await failure(fetch())).toEqual([502, 'M_TOO_LARGE']);
    expect([isRead, closed]).toEqual([false, 1]);
  });

  test('passes on the error of the storage', async () => {
    const disk = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    const keep = (file: RemoteFile) => file.content.receive(() => Promise.reject(disk)).then(() => '');
    await expect(fetch('peer.example', keep)).rejects.toBe(disk);
    await expect(fetch('peer.example', () => Promise.reject(notFound()))).rejects.toMatchObject({ status: 404 });
  });

  test.each<[FederationError, number, string]>([
    [new FederationError('not-permitted', ''), 403, 'M_FORBIDDEN'],
    [new FederationError('backing-off', ''), 502, 'M_UNKNOWN'],
    [new FederationError('no-answer', ''), 502, 'M_UNKNOWN'],
    [new FederationError('refused', '', { status: 404 }), 404, 'M_NOT_FOUND'],
    [new FederationError('refused', '', { status: 403 }), 502, 'M_UNKNOWN'],
    [new FederationError('refused', '', { status: 504, errcode: 'M_NOT_YET_UPLOADED' }), 504, 'M_NOT_YET_UPLOADED'],
  ])('fails for the client by the kind of the failure: %o', async (error, status, errcode) => {
    network = () => Promise.reject(error);
    expect(await failure(fetch())).toEqual([status, errcode]);
  });

  test('waits if many files of the server are downloaded, is refused if too many wait, and delays no other server', async () => {
    const hanging = Promise.withResolvers<void>();
    let running = 0;
    const keep = async (file: RemoteFile) => {
      running += 1;
      await hanging.promise;
      return store(file);
    };
    const results = Array.from({ length: 518 }, () => fetch('peer.example', keep).catch((error: Error) => error));
    expect(await fetch('other.example')).toBe('file');
    expect(running).toBe(16);
    hanging.resolve();
    const all = await Promise.all(results);
    expect(all.filter((one) => one === 'file')).toHaveLength(516);
    expect(all.filter((one) => one !== 'file')).toMatchObject([{ status: 429 }, { status: 429 }]);
  });
});
