/** The part of a PostgreSQL driver that the storage uses; `pg` and an in-process PostgreSQL both offer it. */
export interface PostgresConnection {
  /** @throws ConnectionLost when the connection is gone, so that the outcome of the statement is not known */
  query(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[]; rowCount: number }>;
}

/** The one connection that writes; as long as it is open it holds the writer's lock. */
export interface WriterSession extends PostgresConnection {
  /** @param timeoutMs after so long without an answer the connection counts as lost; unlimited unless given */
  query(text: string, values?: readonly unknown[], timeoutMs?: number): Promise<{ rows: unknown[]; rowCount: number }>;
  /** Calls `listener` once when the connection is gone, at once if it is gone already. */
  onLost(listener: (reason: Error) => void): void;
  /** Closes the connection. */
  end(): Promise<void>;
}

/** A connection to PostgreSQL has broken, or none can be made. */
export class ConnectionLost extends Error {}
