import type { Database } from '../../storage/engine/database.ts';
import {
  deleteAllOutgoingEdus,
  deleteOldOutgoingEdus,
  deleteOutgoingEdus,
  readOutgoingEdus,
  readServersWithEdus,
} from '../../storage/federation/outgoing-edus.ts';
import { EDUS_MAX } from './destination-queue.ts';
import { canonicalText, fittingCount } from './transaction.ts';

/** The stored EDUs of one transaction. */
export interface StoredEduPage {
  /** Canonical JSON. EDUs without a canonical form are missing. */
  readonly texts: readonly string[];
  /** The number of the last EDU, also if its text is missing; undefined if there are none. */
  readonly through: number | undefined;
  /** Whether no further EDUs wait. */
  readonly isAll: boolean;
}

/** The EDUs that wait for other servers on disk until they are accepted. */
export class StoredEdus {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  servers(): Promise<string[]> {
    return readServersWithEdus(this.#database);
  }

  /**
   * Returns the oldest EDUs that wait for a server and fit into a transaction.
   * @param through the number of the last EDU of a transaction that is repeated
   */
  async page(server: string, countMax: number, through = Number.POSITIVE_INFINITY): Promise<StoredEduPage> {
    const rows = await readOutgoingEdus(this.#database, server, Math.min(countMax, EDUS_MAX) + 1);
    const count = Math.min(countMax, fittingCount(rows.map(({ json }) => json)));
    const page = rows.slice(0, count).filter(({ num }) => num <= through);
    return {
      texts: page.flatMap(({ json }) => canonicalText(json) ?? []),
      through: page.at(-1)?.num,
      isAll: page.length === rows.length,
    };
  }

  /** Deletes the EDUs for a server up to a number. */
  async remove(server: string, through: number): Promise<void> {
    await this.#database.commit([deleteOutgoingEdus(server, through)]);
  }

  /** Deletes all EDUs for a server. */
  async removeAll(server: string): Promise<void> {
    await this.#database.commit([deleteAllOutgoingEdus(server)]);
  }

  /** Deletes EDUs that could not be sent for a long time. */
  async expire(beforeTs: number): Promise<void> {
    await this.#database.commit([deleteOldOutgoingEdus(beforeTs)]);
  }
}
