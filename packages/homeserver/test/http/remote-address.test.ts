import { expect, test } from 'vitest';
import { remoteAddress, trustedProxies } from '../../src/http/remote-address.ts';

const proxies = trustedProxies(['127.0.0.1', '10.0.0.0/8', '::1']);

test.each([
  ['198.51.100.7', undefined, '198.51.100.7'],
  ['::ffff:198.51.100.7', undefined, '198.51.100.7'],
  ['198.51.100.7', '203.0.113.9', '198.51.100.7'],
  ['127.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['::1', '203.0.113.9, 10.1.2.3', '203.0.113.9'],
  ['127.0.0.1', '192.0.2.1, 203.0.113.9', '203.0.113.9'],
  ['127.0.0.1', 'nonsense', '127.0.0.1'],
  ['127.0.0.1', '', '127.0.0.1'],
  ['', '203.0.113.9', ''],
])('%s with X-Forwarded-For %s is %s', (socket, forwarded, address) => {
  expect(remoteAddress(socket, forwarded, proxies)).toBe(address);
});
