import { describe, expect, test } from 'vitest';
import { Unavailable } from '../../../src/platform/unavailable.ts';
import { sql } from '../../../src/storage/engine/database.ts';
import { GroupCommit, type Outcome } from '../../../src/storage/engine/group-commit.ts';

const write = () => ({ statement: sql('DELETE FROM nothing'), values: [] });

describe('a group commit', () => {
  test('rejects a transaction without an outcome', async () => {
    const commits = new GroupCommit(async () => [null]);
    const [first, second] = await Promise.allSettled([commits.commit([write()]), commits.commit([write()])]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { message: /no outcome/ } });
  });

  test('reports the outcome to callers that were refused, also when it is refused twice', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly Outcome[]>();
    const commits = new GroupCommit(() => promise);
    const caller = commits.commit([write()]).catch((error: unknown) => error);
    await new Promise((next) => setImmediate(next));
    commits.refuse('the connection is lost');
    commits.refuse('the connection is still lost');
    const error = await caller;
    expect(error).toBeInstanceOf(Unavailable);
    resolve([null]);
    expect(await (error as Unavailable).outcome).toBe(true);
  });
});
