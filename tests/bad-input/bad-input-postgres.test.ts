import { inject, test } from 'vitest';
import { chosenEngine } from './chosen-engine.ts';

chosenEngine.postgres = inject('postgresUrl');

if (chosenEngine.postgres === undefined)
  test.skip('the server answers bad input on PostgreSQL (PostgreSQL is not installed)');
else await import('./suite.ts');
