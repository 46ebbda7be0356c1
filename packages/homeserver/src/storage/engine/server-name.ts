import { OperatorError } from '../../platform/operator-error.ts';
import { type Database, sql, write } from './database.ts';

const read = sql("SELECT value FROM server WHERE key = 'name'");
const insert = sql("INSERT INTO server (key, value) VALUES ('name', ?)");

/** The error for data that belongs to a server with another name, because its user ids and rooms have that name. */
export class OtherServerName extends OperatorError {
  constructor(stored: string, configured: string) {
    super(
      `the data belongs to the server ${stored}, but server_name is ${configured}: set server_name to ${stored}, or choose another data_dir`,
    );
  }
}

/** Stores the name of the server in a new database, and checks it in an existing one. @throws OtherServerName */
export async function claimServerName(database: Database, name: string): Promise<void> {
  const row = await database.first<{ value: string }>(read);
  if (row === undefined) await database.commit([write(insert, name)]);
  else if (row.value !== name) throw new OtherServerName(row.value, name);
}
