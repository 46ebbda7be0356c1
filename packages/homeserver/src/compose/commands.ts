import type { Config } from '../config/schema.ts';
import { Background } from '../platform/concurrency/background.ts';
import { noMetrics } from '../platform/monitoring/metrics.ts';
import { Names } from '../storage/engine/names.ts';
import { Closing } from './closing.ts';
import { openDomains } from './domains.ts';
import type { Machine } from './machine.ts';
import { type Media, openMedia } from './media.ts';
import { outboundOf } from './outbound.ts';
import { openStorage } from './storage.ts';
import type { Users } from './users.ts';

/** Opens only accounts, for commands that administrate them. @throws StorageInUse while the server runs */
export async function openForAccounts(
  config: Config,
  machine: Machine,
): Promise<{ readonly users: Users; close(): Promise<void> }> {
  const closing = new Closing();
  const database = await openStorage(config, machine, 0, closing);
  const background = new Background(machine.clock, machine.log);
  closing.add(background);
  const { users } = await openDomains(config, database, { ...machine, metrics: noMetrics }, background);
  return { users, close: () => closing.closeAll() };
}

/** Opens only media, for commands that maintain them. @throws StorageInUse while the server runs */
export async function openForMedia(config: Config, machine: Machine): Promise<Media> {
  const { clock, random } = machine;
  const closing = new Closing();
  const database = await openStorage(config, machine, 0, closing);
  const names = await Names.open(database);
  const outbound = outboundOf(config, clock);
  const media = await openMedia({ database, names, clock, random, outbound }, config);
  closing.add(media);
  return { ...media, close: () => closing.closeAll() };
}
