import { Composer } from '../application-service-transactions/composer.ts';
import { EphemeralData } from '../application-service-transactions/ephemeral.ts';
import { Interest } from '../application-service-transactions/interest.ts';
import { ServiceUsers } from '../application-service-transactions/service-users.ts';
import { forgetOtherQueues, ServiceTransactions } from '../application-service-transactions/transactions.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import type { Domains } from './domains.ts';
import type { Machine } from './machine.ts';

interface TransactionMachine extends Pick<Machine, 'clock' | 'random' | 'log'> {
  readonly background: Background;
  readonly metrics: Metrics;
}

/** Starts sending events to application services that have a URL. Without one nothing is constructed. */
export async function startServiceTransactions(
  { base, applicationServices, rooms, activity }: Domains,
  { clock, random, log, background, metrics }: TransactionMachine,
): Promise<{ close(): Promise<void> } | undefined> {
  const { registered, client } = applicationServices;
  const services = registered.all.filter(({ url }) => url !== undefined);
  const { database, names, stream } = base;
  if (services.length === 0) {
    await forgetOtherQueues(database, services);
    return undefined;
  }
  const { heads, aliases, membership, events, timelines } = rooms;
  const users = await ServiceUsers.open(registered, database);
  const interest = new Interest({ users, heads, aliases, membership });
  const ephemeral = new EphemeralData({ interest, users, names, ...activity });
  const composer = new Composer({ stream, timelines, events, interest, ephemeral, clock, background });
  const transactions = new ServiceTransactions({
    services,
    storage: { database, stream },
    composer,
    ephemeral,
    client,
    machine: { clock, random, background },
    monitoring: { log, metrics },
  });
  await transactions.start();
  return transactions;
}
