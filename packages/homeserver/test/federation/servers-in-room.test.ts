import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlite } from '../storage/engines.ts';
import { openSharedWorld, type SharedWorld } from './support/shared-world.ts';

describe('the servers in a room', () => {
  let world: SharedWorld;
  beforeAll(async () => {
    world = await openSharedWorld(sqlite);
  });
  afterAll(() => world.end());

  test('include this server as soon as a join is decided, before its commit', async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    await world.joining.leave(head, alice);
    expect(await world.servers.isLocal(head)).toBe(false);
    const joined = world.joining.join(head, alice);
    while (!head.joined.has(alice.user)) await Promise.resolve();
    expect(head.stored.joined).toBe(0);
    expect(await world.servers.isLocal(head)).toBe(true);
    expect(await world.servers.decides(head)).toBe(true);
    await joined;
  });
});
