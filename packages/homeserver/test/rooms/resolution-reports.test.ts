import { expect, test } from 'vitest';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';
import type { StateChange } from '../../src/rooms/graph/state-changes.ts';
import { ResolutionReports } from '../../src/rooms/receive/resolution-reports.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';

const eventOf = (num: number, eventId: string) =>
  ({ num, eventId, type: 'm.room.topic', stateKey: '', roomId: '!room:one.test' }) as StoredEvent;
const change = (before: StoredEvent | undefined, after: StoredEvent | undefined): StateChange => ({
  type: 1,
  stateKey: 1,
  before,
  after,
});

test('changes by the resolution of branches are counted and logged, without those of the accepted event', () => {
  const lines: unknown[] = [];
  let counted = 0;
  const reports = new ResolutionReports(
    { info: (_text, fields) => lines.push(fields) },
    {
      ...noMetrics,
      counter: () => ({
        add: (amount) => {
          counted += amount;
        },
      }),
    },
  );
  const accepted = eventOf(9, '$accepted');
  const itself = change(eventOf(1, '$old'), eventOf(0, '$accepted'));
  const sameEvent = change(eventOf(2, '$moved'), eventOf(7, '$moved'));
  reports.report(accepted, [itself, sameEvent]);
  expect([counted, lines]).toEqual([0, []]);
  reports.report(accepted, [itself, sameEvent, change(eventOf(3, '$reset'), undefined)]);
  expect(counted).toBe(1);
  expect(lines).toEqual([
    { roomId: '!room:one.test', eventId: '$accepted', count: 1, changes: 'm.room.topic : $reset to none' },
  ]);
});
