import type { TestProject } from 'vitest/node';
import { PostgresCluster } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL server on which tests create their databases; `undefined` without one. */
    readonly postgresUrl: string | undefined;
  }
}

let cluster: PostgresCluster | undefined;

/** Starts one PostgreSQL server for a run of the tests, or uses the one that `HEARTH_TEST_POSTGRES_URL` names. */
export async function setup(project: TestProject): Promise<void> {
  const given = process.env.HEARTH_TEST_POSTGRES_URL;
  if (given === undefined) cluster = await PostgresCluster.start();
  project.provide('postgresUrl', given ?? cluster?.url);
  if (given !== undefined || cluster !== undefined) return;
  const message = 'PostgreSQL is not installed: the tests that need its server are skipped';
  if (process.env.HEARTH_TEST_POSTGRES === 'required') throw new Error(message);
  console.warn(`\n${message}\n`);
}

/** Stops the server and removes its data. */
export async function teardown(): Promise<void> {
  await cluster?.remove();
}
