/** The part of a PostgreSQL driver that the storage uses; `pg` and an in-process PostgreSQL both offer it. */
export interface PostgresConnection {
  /** @throws ConnectionLost when the connection is gone, so that the outcome of the statement is not known */
  query(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[]; rowCount: number }>;
}

/** The only connection that writes. It holds the writer's lock while it is open. */
export interface WriterSession extends PostgresConnection {
  /** @param timeoutMs the time without an answer after which the connection counts as lost; unlimited by default */
  query(text: string, values?: readonly unknown[], timeoutMs?: number): Promise<{ rows: unknown[]; rowCount: number }>;
  /** Calls `listener` once when the connection is gone, at once if it is gone already. */
  onLost(listener: (reason: Error) => void): void;
  /** Closes the connection. */
  end(): Promise<void>;
}

/** The error for a broken or failed connection to PostgreSQL. */
export class ConnectionLost extends Error {}
