import { OperatorError } from '../../../platform/operator-error.ts';
import { StorageInUse } from '../storage-in-use.ts';

/** Another process holds the writer's lock of the PostgreSQL database. */
export class DatabaseInUse extends StorageInUse {
  constructor() {
    super(
      'another process is using the PostgreSQL database: stop it first, or name another database in database.url or HEARTH_DATABASE_URL',
    );
  }
}

/** Another process has become the writer of the PostgreSQL database while this one had no connection. */
export class WriterReplaced extends OperatorError {
  constructor() {
    super(
      'another process has taken over the PostgreSQL database while this one had no connection to it: this process stops, so that nothing is damaged. Run one Hearth process for each database.',
    );
  }
}

/** The PostgreSQL database has gone back to an earlier state, so that memory and database no longer agree. */
export class DatabaseWentBack extends OperatorError {
  constructor() {
    super(
      'the PostgreSQL database lacks transactions that it had confirmed, as after a backup was restored or a standby that was behind took over: this process stops. Check the database, then start Hearth again.',
    );
  }
}
