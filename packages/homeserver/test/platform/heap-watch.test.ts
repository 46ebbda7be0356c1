import { expect, test } from 'vitest';
import { healthRoutes } from '../../src/admin-api/health.ts';
import { HeapWatch } from '../../src/platform/monitoring/heap-watch.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';

test('a heap that is nearly full is reported once, by the log and by /health', async () => {
  const warnings: string[] = [];
  let used = 100;
  const log = { warn: (message: string) => warnings.push(message), info: () => {} };
  const watch = new HeapWatch(log, noMetrics, () => ({ used, limit: 1_000 }));
  const [route] = healthRoutes([watch]);
  const health = () => route?.handle({} as never);
  watch.collected();
  expect(health()).toEqual({ status: 'ok' });
  used = 850;
  watch.collected();
  watch.collected();
  expect(health()).toMatchObject({ status: 'warning', warnings: [expect.stringContaining('memory')] });
  expect(warnings).toHaveLength(1);
  used = 700;
  watch.collected();
  expect(health()).toMatchObject({ status: 'warning' });
  used = 600;
  watch.collected();
  expect(health()).toEqual({ status: 'ok' });
});
