import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { NoSlot, Slots } from '../../src/platform/concurrency/slots.ts';
import type { Resolve } from '../../src/platform/outbound/dns.ts';
import { Outbound } from '../../src/platform/outbound/outbound.ts';
import { PublicAddresses } from '../../src/platform/outbound/public-addresses.ts';
import { OutboundError } from '../../src/platform/outbound/reply.ts';
import { redirect, startWeb, type Web } from '../media/web.ts';

let web: Web;
let hidden: Web;
beforeAll(async () => {
  hidden = await startWeb(() => ({ '/': ['text/plain', 'hidden'] }), '127.0.0.2');
  web = await startWeb(() => ({
    '/': ['text/plain', 'here'],
    '/again': redirect('http://changing.test:1/'),
    '/silent': () => {},
    '/slow': (_, response) => void response.writeHead(200, { 'Content-Length': 10 }).write('x'),
    '/late': (_, response) => {
      response.writeHead(200).write('x');
      setTimeout(() => response.end('y'), 1_300);
    },
    '/broken': (_, response) => {
      response.writeHead(200, { 'Content-Length': 10 });
      response.write('x', () => response.destroy());
    },
  }));
});
afterAll(async () => {
  await web.close();
  await hidden.close();
});

const address = (last: number) => ({ address: `127.0.0.${last}`, family: 4 });

function outbound(resolve: Resolve, allowed = ['127.0.0.1']): Outbound {
  return new Outbound({ addresses: new PublicAddresses(allowed), resolve, clock: systemClock });
}

async function get(client: Outbound, url: string, timeoutMs = 5_000): Promise<string> {
  const reply = await client.get(new URL(url), { accept: '*/*', timeoutMs });
  let text = '';
  await reply.receive((chunk) => {
    text += chunk.toString();
    return undefined;
  });
  return text;
}

const why = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no refusal',
    (error: unknown) => (error instanceof OutboundError ? error.message : `not expected: ${String(error)}`),
  );

describe('a request to a URL from others', () => {
  test('goes to the checked address, even if the name resolves to another one later', async () => {
    let asked = 0;
    const client = outbound(() => {
      asked += 1;
      return Promise.resolve([address(asked)]);
    });
    expect(await get(client, `http://changing.test:${web.port}/`)).toBe('here');
    expect(asked).toBe(1);
    // The second answer is an address that is not permitted. The name is resolved and checked for each request.
    expect(await why(get(client, `http://changing.test:${hidden.port}/`))).toContain('not on a public network');
    expect(hidden.asked).toEqual([]);
  });

  test('does not follow a redirect to a name that now resolves to a private address', async () => {
    let asked = 0;
    const client = outbound(() => {
      asked += 1;
      return Promise.resolve([address(asked)]);
    });
    expect(await why(get(client, `http://changing.test:${web.port}/again`))).toContain('not on a public network');
  });

  test('posts only to permitted addresses, and follows no redirect', async () => {
    const post = async (client: Outbound, url: string) => {
      const reply = await client.post(new URL(url), '{}', { accept: '*/*', timeoutMs: 5_000 });
      reply.close();
      return reply.status;
    };
    const client = outbound(() => Promise.resolve([address(1)]));
    expect(await post(client, `http://here.test:${web.port}/`)).toBe(200);
    expect(await post(client, `http://here.test:${web.port}/again`)).toBe(302);
    const inside = outbound(() => Promise.resolve([address(2)]));
    expect(await why(post(inside, `http://inside.test:${hidden.port}/`))).toContain('not on a public network');
    expect(hidden.asked).toEqual([]);
  });

  test('uses only the permitted ones of several addresses', async () => {
    const client = outbound(() => Promise.resolve([address(2), address(1)]));
    expect(await get(client, `http://mixed.test:${web.port}/`)).toBe('here');
    expect(await why(get(client, `http://mixed.test:${hidden.port}/`))).toContain('ECONNREFUSED');
    expect(hidden.asked).toEqual([]);
  });

  test.each([
    ['/silent', 'the answer took too long'],
    ['/slow', 'the connection closed before the end of the answer'],
  ])('ends in time: %s', async (path, message) => {
    const client = outbound(() => Promise.resolve([address(1)]));
    expect(await why(get(client, `http://x.test:${web.port}${path}`, 200))).toBe(message);
  });

  test.each([
    [undefined, 1_000, 'the connection closed before the end of the answer'],
    [5_000, 1_000, 'xy'],
    [100, 5_000, 'the connection closed before the end of the answer'],
  ])(
    'may have a time of its own for the body: %s ms after a head in %d ms',
    async (bodyTimeoutMs, timeoutMs, result) => {
      const client = outbound(() => Promise.resolve([address(1)]));
      const reply = await client.get(new URL(`http://x.test:${web.port}/late`), {
        accept: '*/*',
        timeoutMs,
        ...(bodyTimeoutMs !== undefined && { bodyTimeoutMs }),
      });
      const body = Array.fromAsync(reply.chunks()).then(
        (chunks) => chunks.join(''),
        (error: Error) => error.message,
      );
      expect(await body).toBe(result);
    },
  );

  test('passes on the error of the consumer of its answer', async () => {
    const client = outbound(() => Promise.resolve([address(1)]));
    const reply = await client.get(new URL(`http://x.test:${web.port}/slow`), { accept: '*/*', timeoutMs: 5_000 });
    const error = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    await expect(reply.receive(() => Promise.reject(error))).rejects.toBe(error);
  });

  test('fails with a reason when the answer is incomplete or the name does not resolve', async () => {
    expect(
      await why(
        get(
          outbound(() => Promise.resolve([address(1)])),
          `http://x.test:${web.port}/broken`,
        ),
      ),
    ).toBe('the connection closed before the end of the answer');
    const nothing = outbound(() => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })));
    expect(await why(get(nothing, 'http://x.test/'))).toBe('no answer: ENOTFOUND');
  });
});

describe('public addresses', () => {
  const nothing = new PublicAddresses([]);
  test.each([
    ['1.1.1.1', true],
    ['2606:4700::1111', true],
    ['::ffff:1.1.1.1', true],
    ['127.0.0.1', false],
    ['::ffff:127.0.0.1', false],
    ['0.0.0.0', false],
    ['255.255.255.255', false],
    ['224.0.0.1', false],
    ['172.16.0.1', false],
    ['198.18.0.1', false],
    ['::', false],
    ['ff02::1', false],
    ['2002:7f00:1::', false],
    ['64:ff9b::a00:1', false],
    ['fe80::1%eth0', false],
    ['::2', false],
    ['::127.0.0.1', false],
    ['4000::1', false],
    ['nonsense', false],
  ])('%s: %s', (ip, expected) => {
    expect(nothing.allows(ip)).toBe(expected);
  });

  test('include those that the configuration permits', () => {
    const some = new PublicAddresses(['10.0.0.0/8', '::1', '192.168.1.1']);
    expect(['10.1.2.3', '::1', '192.168.1.1', '::ffff:10.1.1.1'].map((ip) => some.allows(ip))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['11.1.2.3', '192.168.1.2', '::2', '127.0.0.1'].map((ip) => some.allows(ip))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

test('slots limit running and waiting tasks, and are free again after a failure', async () => {
  const slots = new Slots({ running: 1, waiting: 1 });
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = slots.run(async () => {
    await gate.promise;
    order.push('first');
    throw new Error('failed');
  });
  const second = slots.run(async () => order.push('second'));
  await expect(slots.run(async () => {})).rejects.toBeInstanceOf(NoSlot);
  gate.resolve();
  await expect(first).rejects.toThrow('failed');
  await second;
  expect(order).toEqual(['first', 'second']);
  expect(await slots.run(async () => 'free')).toBe('free');
});
