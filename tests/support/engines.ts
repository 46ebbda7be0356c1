import { inject } from 'vitest';

/** A database engine that servers under test run on. */
export interface TestEngine {
  readonly name: string;
  /** The PostgreSQL server on which a database is created; `undefined` for the embedded database. */
  readonly postgres: string | undefined;
}

const postgres = inject('postgresUrl');

/** Both engines, or only the embedded one if PostgreSQL is not installed. */
export const TEST_ENGINES: readonly TestEngine[] = [
  { name: 'SQLite', postgres: undefined },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', postgres }]),
];
