import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WaitingEvents } from '../../src/delayed-events/waiting-events.ts';
import type { DelayedEventRow } from '../../src/storage/rooms/events/delayed-events.ts';

const row = (fields: Partial<DelayedEventRow> & { id: string; send_ts: number }): DelayedEventRow => ({
  user_num: 1,
  user_id: '@alice:hearth.test',
  device: 1,
  txn: null,
  room_id: '!room',
  type: 'm.call.member',
  state_key: null,
  content: '{}',
  sticky_ms: null,
  delay_ms: 1_000,
  ...fields,
});

const action = fc.record({
  remove: fc.boolean(),
  id: fc.integer({ min: 0, max: 20 }).map(String),
  user: fc.integer({ min: 1, max: 3 }),
  state_key: fc.constantFrom(null, 'a', 'b'),
  send_ts: fc.integer({ min: 0, max: 50 }),
});

test('agrees with a list that is searched from end to end', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const waiting = new WaitingEvents();
      const model = new Map<string, DelayedEventRow>();
      for (const { remove, id, user, state_key, send_ts } of actions) {
        // An event that is there keeps its user and place; only its time moves.
        const next = { ...(model.get(id) ?? row({ id, send_ts, user_num: user, state_key })), send_ts };
        if (remove) waiting.delete(id);
        else waiting.set(next);
        if (remove) model.delete(id);
        else model.set(id, next);
        const rows = [...model.values()];
        const ids = (found: readonly DelayedEventRow[]) => found.map((found) => found.id).sort();
        expect(waiting.size).toBe(rows.length);
        expect(waiting.first()?.send_ts).toBe(rows.length === 0 ? undefined : Math.min(...rows.map((r) => r.send_ts)));
        const due = waiting.due(25);
        expect(ids(due)).toEqual(ids(rows.filter((r) => r.send_ts <= 25)));
        expect(due.map((r) => r.send_ts)).toEqual(due.map((r) => r.send_ts).sort((a, b) => a - b));
        expect(ids(waiting.of(1))).toEqual(ids(rows.filter((r) => r.user_num === 1)));
        expect(ids(waiting.ofState('!room', 'm.call.member', 'a'))).toEqual(
          ids(rows.filter((r) => r.state_key === 'a')),
        );
      }
    }),
  );
});

test('a hundred thousand events that are moved again and again take no longer each', () => {
  const waiting = new WaitingEvents();
  for (let i = 0; i < 100_000; i += 1) waiting.set(row({ id: String(i), send_ts: i, user_num: i, state_key: `${i}` }));
  const began = performance.now();
  for (let i = 0; i < 100_000; i += 1) {
    waiting.set(row({ id: String(i), send_ts: 100_000 + i, user_num: i, state_key: `${i}` }));
    if (waiting.first() === undefined) throw new Error('nothing waits');
  }
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(waiting.first()?.id).toBe('0');
});
