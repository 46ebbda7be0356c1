import type { Config } from '../config/schema.ts';
import { DeviceListSender } from '../encryption/remote/device-list-sender.ts';
import { JoinedLists } from '../encryption/remote/joined-lists.ts';
import type { TransactionSender } from '../federation/sending/transaction-sender.ts';
import type { SharedRooms } from '../rooms/remote/shared-rooms.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';

interface ListParts {
  readonly sharedRooms: SharedRooms;
  readonly edus: TransactionSender;
}

/** Creates the exchange of device lists with other servers. */
export function createDeviceLists(
  config: Config,
  { database, clock, background }: FederationBase,
  { base, rooms, encryption }: Domains,
  { sharedRooms, edus }: ListParts,
) {
  const { names, stream } = base;
  const { events } = rooms;
  const { deviceListChanges } = encryption;
  const settings = { serverName: config.server_name, showsDeviceNames: config.federation.show_device_names };
  const sender = new DeviceListSender({ database, stream, names, sharedRooms, clock, edus, settings }, background);
  deviceListChanges.sendToServers();
  background.start('sending changes of device lists', () => sender.start());
  const { serverName } = settings;
  new JoinedLists({ database, stream, events, sharedRooms, deviceListChanges, serverName }, background);
  return {
    close() {
      sender.close();
    },
  };
}
