import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backedUpKey, isBetter } from '../../src/encryption/backed-up-key.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';

const key = (sessionId: string, rank: { index?: number; forwarded?: number; verified?: boolean } = {}, room = '!a:x') =>
  backedUpKey(room, sessionId, {
    first_message_index: rank.index ?? 0,
    forwarded_count: rank.forwarded ?? 0,
    is_verified: rank.verified ?? false,
    session_data: { of: sessionId },
  });

describe('which of two keys is kept', () => {
  const row = (verified: boolean, index: number, forwarded: number) => key('s', { verified, index, forwarded }).row;

  test.each([
    ['verified before unverified', row(true, 9, 9), row(false, 0, 0), true],
    ['unverified never before verified', row(false, 0, 0), row(true, 9, 9), false],
    ['the lower index', row(false, 1, 9), row(false, 2, 0), true],
    ['not the higher index', row(true, 3, 0), row(true, 2, 9), false],
    ['forwarded less often', row(false, 2, 0), row(false, 2, 1), true],
    ['the old one of two that are alike', row(true, 2, 1), row(true, 2, 1), false],
  ])('%s', (_, fresh, old, expected) => {
    expect(isBetter(fresh, old)).toBe(expected);
  });
});

describe.each(engines)('key backups, on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  const open = async () => {
    const { user } = await world.person();
    const version = await world.keyBackups.create(user, 'alg', '{"public_key":"k"}');
    return { user, version, backups: world.keyBackups };
  };

  test('keys are stored, the better ones stay, and count and etag say so', async () => {
    const { user, version, backups } = await open();
    expect(await backups.put(user, version, [key('s', { index: 5 }), key('t')])).toEqual({ etag: '1', count: 2 });
    expect(await backups.put(user, version, [key('s', { index: 7 })])).toEqual({ etag: '1', count: 2 });
    const both = [key('s', { index: 2 }), key('s', {}, '!b:x')];
    expect(await backups.put(user, version, both)).toEqual({ etag: '2', count: 3 });
    expect(await backups.sessions(user, version, '!a:x', 's')).toMatchObject([{ first_message_index: 2 }]);
    expect((await backups.sessions(user, version)).length).toBe(3);
    expect((await backups.sessions(user, version, '!a:x')).map(({ session_id }) => session_id).sort()).toEqual([
      's',
      't',
    ]);
    expect(await backups.sessions(user, version, '!unknown:x')).toEqual([]);
    expect(await backups.version(user)).toMatchObject({ etag: 2, sessions: 3 });
  });

  test('keys are removed one by one, by room, or all', async () => {
    const { user, version, backups } = await open();
    await backups.put(user, version, [key('s'), key('t'), key('u'), key('v', {}, '!b:x'), key('w', {}, '!b:x')]);
    expect(await backups.remove(user, version, '!a:x', 's')).toEqual({ etag: '2', count: 4 });
    expect(await backups.remove(user, version, '!a:x', 's')).toEqual({ etag: '2', count: 4 });
    expect(await backups.remove(user, version, '!a:x')).toEqual({ etag: '3', count: 2 });
    expect(await backups.remove(user, version, '!unknown:x')).toEqual({ etag: '3', count: 2 });
    expect(await backups.remove(user, version)).toEqual({ etag: '4', count: 0 });
    expect(await backups.sessions(user, version)).toEqual([]);
  });

  test('only the current version takes keys', async () => {
    const { user, version, backups } = await open();
    const next = await backups.create(user, 'alg', '{}');
    const wrong = await backups.put(user, version, []).catch((error: unknown) => error);
    expect(wrong).toMatchObject({
      errcode: 'M_WRONG_ROOM_KEYS_VERSION',
      status: 403,
      fields: { current_version: next },
    });
    expect(await refusal(backups.put(user, '999999', []))).toBe('M_NOT_FOUND');
    await backups.delete(user, next);
    expect(await backups.put(user, version, [key('s')])).toEqual({ etag: '1', count: 1 });
    await backups.delete(user, version);
    expect(await refusal(backups.version(user))).toBe('M_NOT_FOUND');
    expect(await refusal(backups.sessions(user, version))).toBe('M_NOT_FOUND');
    // A number is never used again.
    expect(Number(await backups.create(user, 'alg', '{}'))).toBeGreaterThan(Number(next));
  });

  test('auth data can change, the algorithm cannot', async () => {
    const { user, version, backups } = await open();
    await backups.update(user, version, 'alg', '{"other":1}');
    expect(await backups.version(user, version)).toMatchObject({ auth_data: '{"other":1}' });
    expect(await refusal(backups.update(user, version, 'other', '{}'))).toBe('M_INVALID_PARAM');
    expect(await refusal(backups.update((await world.person()).user, version, 'alg', '{}'))).toBe('M_NOT_FOUND');
  });

  test('uploads at the same time lose nothing', async () => {
    const { user, version, backups } = await open();
    const uploads = Array.from({ length: 20 }, (_, i) => backups.put(user, version, [key(`s${i % 10}`, { index: i })]));
    await Promise.all(uploads);
    expect(await backups.version(user)).toMatchObject({ sessions: 10, etag: 10 });
  });

  test('a deactivated account leaves no data', async () => {
    const account = await world.person();
    const version = await world.keyBackups.create(account.user, 'alg', '{}');
    await world.keyBackups.put(account.user, version, [key('s')]);
    await world.users.accountChanges.deactivate(account, false);
    expect(await refusal(world.keyBackups.version(account.user))).toBe('M_NOT_FOUND');
  });

  test('odd ids are refused', () => {
    for (const make of [() => key(''), () => key('\0'), () => key('x'.repeat(256)), () => key('s', {}, 'no room')]) {
      expect(make).toThrow('is not valid');
    }
  });
});
