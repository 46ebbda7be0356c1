import { type Database, sql, type Write, write } from '../engine/database.ts';

const readAll = sql('SELECT service, position, txn, body FROM application_service_queues');
const put = sql(
  `INSERT INTO application_service_queues (service, position, txn, body) VALUES (?, ?, ?, ?)
   ON CONFLICT (service) DO UPDATE SET position = excluded.position, txn = excluded.txn, body = excluded.body`,
);
const remove = sql('DELETE FROM application_service_queues WHERE service = ?');

/** How far an application service has got the events of the server. */
export interface ServiceQueueRow {
  /** The id of the application service. */
  readonly service: string;
  /** The position in the stream up to which events are in transactions. */
  readonly position: number;
  /** The number of the last transaction, which is its id. */
  readonly txn: number;
  /** The body of the last transaction until the application service has accepted it. */
  readonly body: string | null;
}

export function readServiceQueues(database: Database): Promise<ServiceQueueRow[]> {
  return database.all<ServiceQueueRow>(readAll);
}

export function putServiceQueue({ service, position, txn, body }: ServiceQueueRow): Write {
  return write(put, service, position, txn, body);
}

export function removeServiceQueue(service: string): Write {
  return write(remove, service);
}
