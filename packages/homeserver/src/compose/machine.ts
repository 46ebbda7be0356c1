import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Dns } from '../platform/outbound/dns.ts';
import type { HttpsPool } from '../platform/outbound/https-pool.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../storage/engine/database.ts';

/** The parts of the machine that the program uses. The simulation passes its own. */
export interface Machine {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** An open database that is used instead of the configured one. */
  readonly database?: Database;
  /** Finds other servers instead of the DNS of the system. */
  readonly dns?: Dns;
  /** Sends requests to other servers instead of HTTPS. */
  readonly network?: Pick<HttpsPool, 'send' | 'close'>;
  /** Ends the process at once, because it must not write any more. */
  readonly onFatal?: (error: Error) => void;
}
