import { OperatorError } from '../../platform/operator-error.ts';
import { type Database, sql, write } from './database.ts';

const read = sql("SELECT value FROM server WHERE key = 'name'");
const insert = sql("INSERT INTO server (key, value) VALUES ('name', ?)");

/** The data belongs to a server of another name: every user id and room in it would be somebody else's. */
export class OtherServerName extends OperatorError {
  constructor(stored: string, configured: string) {
    super(
      `the data belongs to the server ${stored}, and server_name says ${configured}: set server_name to ${stored}, or choose another data_dir`,
    );
  }
}

/** Ties a database to the name of its server, for good. @throws OtherServerName */
export async function claimServerName(database: Database, name: string): Promise<void> {
  const row = await database.first<{ value: string }>(read);
  if (row === undefined) await database.commit([write(insert, name)]);
  else if (row.value !== name) throw new OtherServerName(row.value, name);
}
