import { inject } from 'vitest';

/** A database engine that servers under test run on. */
export interface TestEngine {
  readonly name: string;
  /** The PostgreSQL server to make a database on; `undefined` for the embedded database. */
  readonly postgres: string | undefined;
}

const postgres = inject('postgresUrl');

/** Both engines; the embedded one alone where no PostgreSQL is installed. */
export const TEST_ENGINES: readonly TestEngine[] = [
  { name: 'SQLite', postgres: undefined },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', postgres }]),
];
