import type { Config } from '../config/schema.ts';
import { Names } from '../storage/engine/names.ts';
import { claimServerName } from '../storage/engine/server-name.ts';
import { Stream } from '../storage/engine/stream.ts';
import { readApplicationServices } from './application-services.ts';
import { Closing } from './closing.ts';
import type { Machine } from './machine.ts';
import { type Media, openMedia } from './media.ts';
import { outboundOf } from './outbound.ts';
import { usersSettings } from './settings.ts';
import { openStorage } from './storage.ts';
import { openUsers, type Users } from './users.ts';

/** Opens only accounts, for commands that create them. @throws StorageInUse while the server runs */
export function openForAccounts(
  config: Config,
  machine: Machine,
): Promise<{ readonly users: Users; close(): Promise<void> }> {
  const { clock, random } = machine;
  const closing = new Closing();
  return closing.closeOnFailure(async () => {
    const database = await openStorage(config, machine, 0, closing);
    await claimServerName(database, config.server_name);
    const [names, stream] = [await Names.open(database), await Stream.open(database)];
    const applicationServices = await readApplicationServices(config);
    const settings = { ...usersSettings(config), applicationServices };
    const users = await openUsers({ database, names, stream, clock, random }, settings);
    return { users, close: () => closing.closeAll() };
  });
}

/** Opens only media, for commands that maintain them. @throws StorageInUse while the server runs */
export function openForMedia(config: Config, machine: Machine): Promise<Media> {
  const { clock, random } = machine;
  const closing = new Closing();
  return closing.closeOnFailure(async () => {
    const database = await openStorage(config, machine, 0, closing);
    const names = await Names.open(database);
    const outbound = outboundOf(config, clock);
    const media = await openMedia({ database, names, clock, random, outbound }, config);
    closing.add(media);
    return { ...media, close: () => closing.closeAll() };
  });
}
