import { forbidden } from '@hearth/protocol/errors.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EduHandler, ReceivedEdus } from '../../src/federation/receiving/received-edus.ts';
import { Unavailable } from '../../src/platform/unavailable.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { engines } from '../storage/engines.ts';

const [SQLITE] = engines;
if (SQLITE === undefined) throw new Error('there is no engine');

describe('the EDUs of a transaction', () => {
  let database: Database;
  let end: () => Promise<void>;
  /** The contents in the order in which their processing has ended. */
  let ended: string[];
  let errors: string[];
  beforeEach(async () => {
    ({ database, end } = await SQLITE.open());
    ended = [];
    errors = [];
  });
  afterEach(() => end());

  const handler: EduHandler = {
    keyOf: ({ user }) => asString(user) ?? '',
    async handle(_origin, { n, wait, failure }: JsonObject) {
      if (failure === 'refused') throw forbidden();
      if (failure === 'fault') throw new Error('a fault');
      if (failure === 'database') throw new Unavailable('the database is gone');
      await new Promise((resolve) => setTimeout(resolve, Number(wait ?? 0)));
      ended.push(JSON.stringify(n));
    },
  };
  const receive = (...edus: unknown[]) => {
    const log = { debug: () => undefined, error: (message: string) => void errors.push(message) };
    return new ReceivedEdus(new Map([['m.test', handler]]), database, log).receive('there.test', edus);
  };
  const edu = (content: JsonObject) => ({ edu_type: 'm.test', content });

  test('are processed in their order if they have the same key, and independently otherwise', async () => {
    await receive(
      edu({ user: 'a', n: 1, wait: 60 }),
      edu({ user: 'a', n: 2 }),
      edu({ user: 'b', n: 3 }),
      edu({ user: 'b', n: 4, wait: 20 }),
    );
    expect(ended).toEqual(['3', '4', '1', '2']);
  });

  test('are ignored if they are unknown, malformed, refused or faulty, and the others are processed', async () => {
    const failing = ['refused', 'fault'].map((failure) => edu({ user: 'a', failure }));
    await receive(
      null,
      'x',
      {},
      { edu_type: 'm.unknown', content: {} },
      { edu_type: 'm.test' },
      ...failing,
      edu({ n: 1 }),
    );
    await receive(...failing, edu({ user: 'a', n: 2 }));
    expect(ended).toEqual(['1', '2']);
    expect(errors).toHaveLength(2);
  });

  test('are received again if the database does not accept writes', async () => {
    await expect(receive(edu({ failure: 'database' }))).rejects.toThrow(Unavailable);
  });
});
