import type { Config } from '../config/schema.ts';
import { type EduHandler, ReceivedEdus } from '../federation/receiving/received-edus.ts';
import type { TransactionSender } from '../federation/sending/transaction-sender.ts';
import { PresenceSender } from '../presence/presence-sender.ts';
import { RemotePresence } from '../presence/remote-presence.ts';
import { RemoteProfiles } from '../profile/remote-profiles.ts';
import { EarlyReceipts } from '../receipts/early-receipts.ts';
import { RemoteReceipts } from '../receipts/remote-receipts.ts';
import { SharedRooms } from '../rooms/membership/shared-rooms.ts';
import type { ServersInRooms } from '../rooms/remote/servers-in-room.ts';
import { ReceivedMessages } from '../to-device/received-messages.ts';
import { RemoteTyping } from '../typing/remote-typing.ts';
import { RemotePeople } from '../user-directory/remote-people.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';
import { createDeviceLists, type ListParts } from './federation-device-lists.ts';

/** The objects of federation on which the exchange of EDUs is built. */
interface EduParts extends Omit<ListParts, 'sharedRooms'> {
  readonly servers: ServersInRooms;
}

/**
 * Creates the exchange of EDUs with other servers (typing, receipts, presence, to-device messages and device lists) and
 * everything else that follows the users of shared rooms.
 */
export function createEdus(config: Config, base: FederationBase, domains: Domains, parts: EduParts) {
  const { database, clock, log, background } = base;
  const { queue, servers } = parts;
  const { names, stream } = domains.base;
  const { heads, userRooms, events, partialStates } = domains.rooms;
  const { typing, receipts } = domains.activity;
  const sharedRooms = new SharedRooms({ heads, names, userRooms, servers, partialStates });
  const remoteTyping = new RemoteTyping({ typing, sharedRooms, queue, names, clock, background });
  typing.observeWith(remoteTyping);
  const early = new EarlyReceipts({ stream, events, receipts, background });
  const remoteReceipts = new RemoteReceipts({ receipts, early, sharedRooms, queue, names, clock, background });
  receipts.observeWith((receipt) => remoteReceipts.send(receipt));
  const presence = config.federation.presence
    ? createPresence(config, base, domains, { sharedRooms, queue })
    : undefined;
  const deviceLists = createDeviceLists(config, base, domains, { ...parts, sharedRooms });
  const handlers = new Map<string, EduHandler>([
    ['m.typing', remoteTyping],
    ['m.receipt', remoteReceipts],
    ['m.direct_to_device', new ReceivedMessages(domains.encryption.toDevice, deviceLists.examine)],
    ['m.device_list_update', deviceLists.deviceUpdates],
    ['m.signing_key_update', deviceLists.crossSigningUpdates],
  ]);
  if (presence !== undefined) handlers.set('m.presence', presence.remote);
  const profiles = new RemoteProfiles(parts.client, clock);
  const { people } = domains.search;
  const remotePeople = new RemotePeople(
    { people, profiles, sharedRooms, events, stream, clock, serverName: config.server_name },
    background,
  );
  return {
    profiles,
    followedKeys: deviceLists.followedKeys,
    sendMissedLists: deviceLists.sendMissed,
    forgetLists: deviceLists.forget,
    received: new ReceivedEdus(handlers, database, log),
    close() {
      presence?.sender.close();
      deviceLists.close();
      remotePeople.close();
    },
  };
}

function createPresence(
  { server_name: serverName }: Config,
  { clock, background }: FederationBase,
  { base, rooms, activity }: Domains,
  { sharedRooms, queue }: { readonly sharedRooms: SharedRooms; readonly queue: TransactionSender },
) {
  const { names, stream } = base;
  const { events } = rooms;
  const { presences } = activity;
  const parts = { presences, sharedRooms, queue, names, events, clock, serverName };
  return {
    remote: new RemotePresence({ presences, sharedRooms, names, clock }),
    sender: new PresenceSender(parts, stream, background),
  };
}
