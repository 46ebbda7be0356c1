import { OperatorError } from '../../../platform/operator-error.ts';
import { StorageInUse } from '../storage-in-use.ts';

/** The error for a PostgreSQL database whose writer's lock another process holds. */
export class DatabaseInUse extends StorageInUse {
  constructor() {
    super(
      'another process is using the PostgreSQL database: stop it first, or name another database in database.url or HEARTH_DATABASE_URL',
    );
  }
}

/** The error after another process became the writer while this process had no connection. */
export class WriterReplaced extends OperatorError {
  constructor() {
    super(
      'another process has become the writer of the PostgreSQL database while this one had no connection: this process stops, so that nothing is damaged. Run one Hearth process for each database.',
    );
  }
}

/** The error for a PostgreSQL database that has returned to an earlier state, so that caches are wrong. */
export class DatabaseWentBack extends OperatorError {
  constructor() {
    super(
      'the PostgreSQL database lacks confirmed transactions, for instance because of a restored backup or an outdated standby: this process stops. Check the database, then start Hearth again.',
    );
  }
}
