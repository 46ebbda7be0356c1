import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import type { TestUser } from '../support/user.ts';

interface Found {
  readonly results: { readonly user_id: string; readonly display_name?: string }[];
}

const POLL = { timeout: 10_000 };

describe('the user directory with users of another server', () => {
  let one: FederatingServer;
  let two: FederatingServer;
  let alice: TestUser;
  let bob: TestUser;
  let carol: TestUser;
  beforeAll(async () => {
    [one, two] = [await startFederatingServer('127.0.0.2'), await startFederatingServer('127.0.0.3')];
    [alice, bob, carol] = [await one.user('alice'), await two.user('bob'), await two.user('carol')];
    await setName(alice, 'Wonderland');
  });
  afterEach(() => expect([...one.faults, ...two.faults]).toEqual([]));
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
  });

  const setName = (user: TestUser, displayname: string) =>
    user.put(pathOf('profile', user.userId, 'displayname'), { displayname });
  const find = async (user: TestUser, term: string) => {
    const { results } = await user.post<Found>('/user_directory/search', { search_term: term });
    return results.map(({ user_id, display_name }) => [user_id, display_name]);
  };
  const found = (user: TestUser, term: string) => expect.poll(() => find(user, term), POLL);

  test('lists the members of a closed room with the names of their profiles, to its members only', async () => {
    const room = await alice.createRoom({ preset: 'private_chat', invite: [bob.userId] });
    await alice.setState(room, 'm.room.member', { membership: 'join', displayname: 'Secret' }, alice.userId);
    await bob.post(pathOf('join', room), {}, { via: one.name });
    await found(bob, 'wonderland').toEqual([[alice.userId, 'Wonderland']]);
    expect(await find(bob, 'secret')).toEqual([]);
    expect(await find(carol, 'alice')).toEqual([]);
    await setName(alice, 'Looking Glass');
    await found(bob, 'glass').toEqual([[alice.userId, 'Looking Glass']]);
    expect(await find(bob, 'wonderland')).toEqual([]);
  });

  test('lists the members of an open room to everybody', async () => {
    const dan = await one.user('dan');
    await setName(dan, 'Everywhere');
    const room = await dan.createRoom();
    await bob.post(pathOf('join', room), {}, { via: one.name });
    await found(carol, 'everywhere').toEqual([[dan.userId, 'Everywhere']]);
    await found(dan, 'bob').toEqual([[bob.userId, 'bob']]);
    await dan.leave(room);
    await found(carol, 'everywhere').toEqual([]);
  });
});
