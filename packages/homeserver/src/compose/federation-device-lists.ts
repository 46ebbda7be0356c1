import type { Config } from '../config/schema.ts';
import { DeviceListSender } from '../encryption/remote/device-list-sender.ts';
import { EarlyListUpdates } from '../encryption/remote/early-list-updates.ts';
import { FollowedKeys } from '../encryption/remote/followed-keys.ts';
import { JoinedLists } from '../encryption/remote/joined-lists.ts';
import { ListFetcher } from '../encryption/remote/list-fetcher.ts';
import { ListMemberships } from '../encryption/remote/list-memberships.ts';
import {
  crossSigningEffect,
  deviceUpdateEffect,
  ReceivedListUpdates,
} from '../encryption/remote/received-list-updates.ts';
import { RemoteDeviceLists } from '../encryption/remote/remote-device-lists.ts';
import { UnknownDevices } from '../encryption/remote/unknown-devices.ts';
import type { Destinations } from '../federation/client/destinations.ts';
import type { FederationClient } from '../federation/client/federation-client.ts';
import type { TransactionSender } from '../federation/sending/transaction-sender.ts';
import { DAY_MS } from '../platform/clock.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import type { SharedRooms } from '../rooms/membership/shared-rooms.ts';
import type { Messages } from '../to-device/to-device.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';

/** The objects on which the exchange of device lists is built. */
export interface ListParts {
  readonly sharedRooms: SharedRooms;
  readonly queue: TransactionSender;
  readonly client: FederationClient;
  readonly destinations: Destinations;
}

/** Creates the exchange of device lists with other servers. */
export function createDeviceLists(config: Config, base: FederationBase, domains: Domains, parts: ListParts) {
  const { sender, joined } = createSender(config, base, domains, parts);
  const followed = createFollowed(config, base, domains, parts);
  return {
    ...followed,
    sendMissed: (room: number, since: number) => joined.sendMissed(room, since),
    close() {
      sender.close();
      followed.fetcher.close();
    },
  };
}

function createSender(
  config: Config,
  { database, clock, background }: FederationBase,
  { base, rooms, encryption }: Domains,
  { sharedRooms, queue }: ListParts,
): { readonly sender: DeviceListSender; readonly joined: JoinedLists } {
  const { names, stream } = base;
  const { events } = rooms;
  const { deviceListChanges } = encryption;
  const { show_device_names: showsDeviceNames } = config.federation;
  const sender = new DeviceListSender(
    { database, stream, names, sharedRooms, clock, edus: queue, showsDeviceNames },
    background,
  );
  deviceListChanges.sendToServers();
  background.start('sending changes of device lists', () => sender.start());
  const { server_name: serverName } = config;
  const joined = new JoinedLists({ database, stream, events, sharedRooms, deviceListChanges, serverName }, background);
  return { sender, joined };
}

/** Creates the objects that follow the device lists of users of other servers. */
function createFollowed(
  { server_name: serverName }: Config,
  { database, clock, background }: FederationBase,
  { base, rooms, encryption }: Domains,
  { sharedRooms, client, destinations }: ListParts,
) {
  const { names, stream } = base;
  const { keyDirectory } = encryption;
  keyDirectory.includeRemote();
  const serial = new Serial<number>();
  const lists = new RemoteDeviceLists({ database, stream, clock, keyDirectory, serial });
  const fetcher = new ListFetcher({ database, names, client, destinations, clock, lists, serial }, background);
  background.start('fetching device lists', () => fetcher.start());
  const memberships = new ListMemberships({ stream, events: rooms.events, sharedRooms, lists, serverName }, background);
  background.every(DAY_MS, 'deleting device lists of users without a common room', () => memberships.expire());
  const unknownDevices = new UnknownDevices({ names, keyDirectory, lists, clock });
  const received = {
    names,
    sharedRooms,
    lists,
    early: new EarlyListUpdates({ stream, names, sharedRooms }, background),
  };
  return {
    fetcher,
    forget: (users: readonly number[]) => memberships.left(users),
    followedKeys: new FollowedKeys({ names, sharedRooms, lists, fetcher, clock }),
    deviceUpdates: new ReceivedListUpdates(received, deviceUpdateEffect),
    crossSigningUpdates: new ReceivedListUpdates(received, crossSigningEffect),
    examine: (sender: string, messages: Messages) =>
      background.start('looking for unknown devices', () => unknownDevices.check(sender, messages)),
  };
}
