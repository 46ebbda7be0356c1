import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { TestUser } from '../../../../tests/support/user.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { download } from './client.ts';
import { png } from './images.ts';
import { type Pages, redirect, startWeb, type Web } from './web.ts';

let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };

const image = png(30, 20);
const html = (head: string, body = '') =>
  ['text/html; charset=utf-8', `<html><head>${head}</head>${body}</html>`] as const;

let web: Web;
let elsewhere: Web;
let server: TestServer;
let alice: TestUser;

const pages = (): Pages => ({
  '/full': html(`
    <title>Not this</title>
    <meta property="og:title" content="Tom &amp; Jerry"><meta property="og:title" content="second">
    <meta property="og:description" content="  two
      lines "><meta property="og:type" content="article">
    <meta property="og:image" content="/image.png"><meta property="og:image:width" content="9999">
    <meta property="__proto__" content="x"><meta name="og:site_name" content="Site">`),
  '/plain': html(
    '<title>A page</title><script>"<p>no</p>"</script>',
    '<nav><p>menu</p></nav><p>First <b>words</b>.</p><p>more</p>',
  ),
  '/twitter': html('<meta name="twitter:title" content="T"><meta name="description" content="D">'),
  '/oembed': html(
    `<link rel="alternate" type="application/json+oembed" href="/oembed.json"><meta property="og:title" content="Mine">`,
  ),
  '/oembed.json': [
    'application/json',
    JSON.stringify({ title: 'Theirs', provider_name: 'P', thumbnail_url: '/image.png' }),
  ],
  '/latin': ['text/html; charset=iso-8859-1', Buffer.from('<title>caf\xe9</title>', 'latin1')],
  '/declared': ['text/html', Buffer.from('<meta charset="windows-1251"><title>\xcf\xf0\xe8</title>', 'latin1')],
  '/image.png': ['image/png', image],
  '/bad-image': html('<title>t</title><meta property="og:image" content="/lies.png">'),
  '/lies.png': ['image/png', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  '/large-image': html('<title>t</title><meta property="og:image" content="/large.png">'),
  '/large.png': ['image/png', Buffer.concat([image, Buffer.alloc(50_000)])],
  '/long': ['text/html', `<title>long</title>${'x'.repeat(3_000_000)}`],
  '/text': ['text/plain', 'hello'],
  '/moved': redirect('/plain'),
  '/round': redirect('/round'),
  '/to-elsewhere': redirect(`http://127.0.0.2:${elsewhere.port}/secret`),
  '/to-file': redirect('file:///etc/passwd'),
  '/to-metadata': redirect('http://169.254.169.254/latest/meta-data'),
  '/image-elsewhere': html(
    `<title>t</title><meta property="og:image" content="http://127.0.0.2:${elsewhere.port}/x.png">`,
  ),
  '/oembed-elsewhere': html(
    `<title>t</title><link type="application/json+oembed" href="http://127.0.0.2:${elsewhere.port}/x">`,
  ),
});

beforeAll(async () => {
  elsewhere = await startWeb(
    () => ({ '/secret': html('<title>secret</title>'), '/x.png': ['image/png', image] }),
    '127.0.0.2',
  );
  web = await startWeb(pages);
  server = await startServer({
    config: {
      media: { previews: { enabled: true, kept_minutes: 10, image_bytes: 20_000 } },
      outbound: { allowed_addresses: ['127.0.0.1'] },
    },
    machine: { clock },
  });
  alice = await server.user();
});
afterAll(async () => {
  await server.close();
  await web.close();
  await elsewhere.close();
});

const ask = (url: string, user = alice) =>
  user.request('GET', '/_matrix/client/v1/media/preview_url', { query: { url } });
const preview = (path: string) => ask(`http://127.0.0.1:${web.port}${path}`);

describe('a preview', () => {
  test('is what the page says, with its image as media of this server', async () => {
    const { status, json } = await preview('/full#part');
    expect(status).toBe(200);
    const { 'og:image': uri, ...rest } = json;
    expect(rest).toEqual({
      'og:title': 'Tom & Jerry',
      'og:description': 'two lines',
      'og:type': 'article',
      'og:site_name': 'Site',
      'og:image:type': 'image/png',
      'og:image:width': 30,
      'og:image:height': 20,
      'matrix:image:size': image.length,
    });
    const reply = await download(alice, typeof uri === 'string' ? uri.slice('mxc://'.length) : '');
    expect(reply.bytes.equals(image)).toBe(true);
  });

  test.each([
    ['/plain', { 'og:title': 'A page', 'og:description': 'First words.' }],
    ['/twitter', { 'og:title': 'T', 'og:description': 'D' }],
    ['/latin', { 'og:title': 'café' }],
    ['/declared', { 'og:title': 'При' }],
    ['/long', { 'og:title': 'long' }],
    ['/moved', { 'og:title': 'A page', 'og:description': 'First words.' }],
    ['/bad-image', { 'og:title': 't' }],
    ['/large-image', { 'og:title': 't' }],
    ['/image-elsewhere', { 'og:title': 't' }],
    ['/oembed-elsewhere', { 'og:title': 't' }],
    ['/text', {}],
  ])('for %s is %j', async (path, expected) => {
    expect(await preview(path)).toMatchObject({ status: 200, json: expected });
    expect(Object.keys((await preview(path)).json)).toEqual(Object.keys(expected));
    expect(elsewhere.asked).toEqual([]);
  });

  test('may come from oEmbed in what the page does not say', async () => {
    const { json } = await preview('/oembed');
    expect(json).toMatchObject({ 'og:title': 'Mine', 'og:site_name': 'P', 'og:image:width': 30 });
  });

  test('is the image for the address of an image', async () => {
    const { json } = await preview('/image.png');
    expect(json).toMatchObject({ 'og:title': 'image.png', 'og:image:type': 'image/png', 'og:image:height': 20 });
  });

  test('is made once for all who ask, until it is old', async () => {
    const count = () => web.asked.filter((path) => path.startsWith('/plain?many')).length;
    const bob = await server.user();
    const url = `http://127.0.0.1:${web.port}/plain?many`;
    await Promise.all([ask(url), ask(url, bob), ask(`${url}#x`)]);
    expect(await bob.request('GET', '/_matrix/media/v3/preview_url', { query: { url, ts: 1 } })).toMatchObject({
      status: 200,
    });
    expect(count()).toBe(1);
    aheadMs += 11 * 60_000;
    expect((await ask(url)).status).toBe(200);
    expect(count()).toBe(2);
  });
});

describe('no preview', () => {
  test.each([
    ['/nothing', 502],
    ['/round', 502],
    ['/to-elsewhere', 403],
    ['/to-file', 403],
    ['/to-metadata', 403],
  ])('is made of %s: %i', async (path, status) => {
    expect(await preview(path)).toMatchObject({
      status,
      json: { errcode: status === 403 ? 'M_FORBIDDEN' : 'M_UNKNOWN' },
    });
    expect(elsewhere.asked).toEqual([]);
    expect(server.faults).toEqual([]);
  });

  test.each([
    '',
    'nonsense',
    'ftp://example.org/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    `http://x/${'x'.repeat(5_000)}`,
  ])('is made of %j, which is no page', async (url) => {
    expect(await ask(url)).toMatchObject({ status: 400, json: { errcode: 'M_INVALID_PARAM' } });
  });

  test.each([
    'http://127.0.0.2/',
    'http://localhost.localdomain.invalid/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.2]/',
    'http://[64:ff9b::7f00:2]/',
    'http://2130706434/',
    'http://0x7f.2/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://100.64.0.1/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://user:password@127.0.0.1/',
  ])('is made of %s, which is not public', async (url) => {
    const { status } = await ask(url);
    expect(url.includes('.invalid') ? [502] : [403]).toContain(status);
  });

  test('is made where the server makes none', async () => {
    const other = await startServer();
    const reply = await ask(`http://127.0.0.1:${web.port}/plain`, await other.user());
    expect(reply).toMatchObject({ status: 403, json: { errcode: 'M_FORBIDDEN' } });
    await other.close();
  });

  test('is made of this machine unless that is allowed', async () => {
    const other = await startServer({ config: { media: { previews: { enabled: true } } } });
    const user = await other.user();
    const before = web.asked.length;
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:7f00:1]']) {
      expect(await ask(`http://${host}:${web.port}/plain`, user)).toMatchObject({ status: 403 });
    }
    expect(web.asked.length).toBe(before);
    await other.close();
  });

  test('is made for guests or without a token', async () => {
    const url = `http://127.0.0.1:${web.port}/plain`;
    expect(await ask(url, await server.guest())).toMatchObject({
      status: 403,
      json: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' },
    });
    expect(await fetch(`${server.url}/_matrix/client/v1/media/preview_url?url=${url}`)).toMatchObject({ status: 401 });
  });
});
