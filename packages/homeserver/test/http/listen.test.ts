import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer } from '../../../../tests/support/server.ts';
import { listenOn } from '../../src/http/listeners/listen.ts';

const other = createServer();
let taken: string;
beforeAll(async () => {
  await listenOn(other, { host: '127.0.0.1', port: 0 }, 'listen');
  taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => other.close(resolve)));

test('an address in use is refused with its name and the key to change', async () => {
  const start = (config: { listen?: string[]; metrics?: { listen: string } }) => startServer({ config });
  await expect(start({ listen: [taken] })).rejects.toThrow(
    `${taken} is already used by another program: set listen or --listen to another address`,
  );
  await expect(start({ metrics: { listen: taken } })).rejects.toThrow(
    `${taken} is already used by another program: set metrics.listen to another address`,
  );
});

test('an address of another machine is refused with its name and the key to change', async () => {
  const listen = (host: string) => listenOn(createServer(), { host, port: 0 }, 'listen');
  await expect(listen('192.0.2.1')).rejects.toThrow('192.0.2.1:0 is not an address of this machine: set listen');
  await expect(listen('nowhere.invalid')).rejects.toThrow(/nowhere\.invalid/);
});
