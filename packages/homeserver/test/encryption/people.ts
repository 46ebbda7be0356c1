import type { KeyClaims } from '../../src/encryption/key-claim.ts';
import { KeyLookup, renderQueryAnswer } from '../../src/encryption/key-lookup.ts';
import type { KeyQueries } from '../../src/encryption/key-query.ts';
import type { KeyOwner } from '../../src/encryption/key-upload.ts';
import { DeviceMaker } from '../support/key-maker.ts';
import type { Person, World } from '../support/world.ts';

/** A device that somebody is logged in on, with the keys that it can make. */
export interface LoggedIn extends KeyOwner {
  readonly maker: DeviceMaker;
}

/** Logs somebody in on a device. */
export async function logIn(world: World, { user, userId }: Person, deviceId: string): Promise<LoggedIn> {
  await world.users.sessions.login(user, { deviceId, displayName: `${deviceId}'s name` });
  const { num: device } = await world.users.devices.get(user, deviceId);
  return { user, userId, device, deviceId, maker: new DeviceMaker(userId, deviceId) };
}

/** An answer of `/keys/query` for all devices of some users. */
export interface QueryAnswer {
  readonly device_keys: Record<string, Record<string, KeyAnswer>>;
  readonly master_keys: Record<string, KeyAnswer>;
  readonly self_signing_keys: Record<string, KeyAnswer>;
  readonly user_signing_keys: Record<string, KeyAnswer>;
  readonly failures: Record<string, unknown>;
}

export interface KeyAnswer {
  readonly keys: Record<string, string>;
  readonly algorithms?: string[];
  readonly signatures?: Record<string, Record<string, string>>;
  readonly unsigned?: { readonly device_display_name?: string };
}

/** The answer to a user's query for the keys of some users. */
export async function asked(
  keys: { readonly keyQueries: KeyQueries; readonly keyClaims: KeyClaims },
  by: Person,
  ...userIds: readonly string[]
): Promise<QueryAnswer> {
  const lookup = new KeyLookup(keys.keyQueries, keys.keyClaims, undefined, 'test.local');
  const answer = await lookup.query(by, new Map(userIds.map((id) => [id, []])));
  return JSON.parse(renderQueryAnswer(answer)) as QueryAnswer;
}
