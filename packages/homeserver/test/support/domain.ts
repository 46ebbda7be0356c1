import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { ApplicationServices } from '../../src/application-services/application-services.ts';
import { openUsers, type UsersSettings } from '../../src/compose/users.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { Names } from '../../src/storage/engine/names.ts';
import { Stream } from '../../src/storage/engine/stream.ts';
import { CHEAPEST_PASSWORD_COST } from '../../src/users/credentials/passwords.ts';
import type { Engine } from '../storage/engines.ts';
import { ManualClock } from './manual-clock.ts';

/** The parts that every domain needs, over a fresh database. */
export async function openDomain(engine: Engine, settings: Partial<UsersSettings> = {}) {
  const { database, end } = await engine.open();
  const clock = new ManualClock();
  const names = await Names.open(database);
  const stream = await Stream.open(database);
  const base = { database, names, stream, clock, random: systemRandom };
  const serverName = parseServerName('test.local') ?? unreachable();
  const users = await openUsers(base, {
    serverName,
    applicationServices: new ApplicationServices([], serverName),
    registration: 'open',
    guests: true,
    sharedSecret: 'secret',
    passwordCost: CHEAPEST_PASSWORD_COST,
    passwordAttempts: { byUser: false, byAddress: false },
    accessTokenMs: 60_000,
    ...settings,
  });
  return { ...base, users, end };
}

function unreachable(): never {
  throw new Error('not reached');
}
