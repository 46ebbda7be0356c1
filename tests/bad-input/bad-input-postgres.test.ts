import { inject, test } from 'vitest';
import { chosen } from './chosen-engine.ts';

chosen.postgres = inject('postgresUrl');

if (chosen.postgres === undefined)
  test.skip('the server answers bad input on PostgreSQL (PostgreSQL is not installed)');
else await import('./suite.ts');
