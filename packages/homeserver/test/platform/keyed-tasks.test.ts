import { beforeEach, describe, expect, test } from 'vitest';
import { Background } from '../../src/platform/concurrency/background.ts';
import { KeyedTasks } from '../../src/platform/concurrency/keyed-tasks.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A run of a task that the test ends. */
interface Run {
  readonly key: string;
  end(afterMs?: number): void;
  fail(): void;
}

describe('the task of a key', () => {
  let clock: ManualClock;
  let runs: Run[];
  beforeEach(() => {
    [clock, runs] = [new ManualClock(), []];
  });

  function open(limits: { runningMax?: number; errorWaitMs?: number } = {}): KeyedTasks<string> {
    const background = new Background(clock, silentLog);
    return new KeyedTasks({ clock, background, name: 'test', runningMax: 10, ...limits }, (key) => {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      runs.push({ key, end: resolve, fail: () => reject(new Error('failed')) });
      return promise;
    });
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const keys = () => runs.map(({ key }) => key);

  test('runs once at a time, and again for work that is added meanwhile', async () => {
    const tasks = open();
    tasks.wake(['a']);
    tasks.wake(['a', 'b']);
    tasks.wake(['a']);
    expect(keys()).toEqual(['a', 'b']);
    runs[0]?.end();
    await settled();
    expect(keys()).toEqual(['a', 'b', 'a']);
    runs[2]?.end();
    await settled();
    expect(keys()).toEqual(['a', 'b', 'a']);
  });

  test('waits as long as it has asked for, whatever work is added', async () => {
    const tasks = open();
    tasks.wake(['a']);
    tasks.wake(['a']);
    runs[0]?.end(1_000);
    await settled();
    tasks.wake(['a']);
    await clock.pass(999);
    expect(keys()).toEqual(['a']);
    await clock.pass(1);
    expect(keys()).toEqual(['a', 'a']);
  });

  test('runs at once when its wait is ended, and not twice', async () => {
    const tasks = open();
    tasks.endWait('a');
    tasks.wake(['a']);
    runs[0]?.end(1_000);
    await settled();
    tasks.endWait('a');
    expect(keys()).toEqual(['a', 'a']);
    runs[1]?.end();
    await settled();
    await clock.pass(2_000);
    expect(keys()).toEqual(['a', 'a']);
  });

  test('is run again after an error only with a wait for errors', async () => {
    open().wake(['a']);
    open({ errorWaitMs: 500 }).wake(['b']);
    for (const run of runs) run.fail();
    await settled();
    await clock.pass(500);
    expect(keys()).toEqual(['a', 'b', 'b']);
  });

  test('waits for a free place, and does not begin after the end', async () => {
    const tasks = open({ runningMax: 1 });
    tasks.wake(['a', 'b', 'c']);
    expect(keys()).toEqual(['a']);
    runs[0]?.end(1_000);
    await settled();
    expect(keys()).toEqual(['a', 'b']);
    tasks.close();
    runs[1]?.end(1_000);
    await settled();
    await clock.pass(5_000);
    expect(keys()).toEqual(['a', 'b']);
  });
});
