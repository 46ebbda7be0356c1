import { ClaimableKeys } from '../encryption/claimable-keys.ts';
import { CrossSigning } from '../encryption/cross-signing.ts';
import { DehydratedDevices } from '../encryption/dehydrated-devices.ts';
import { DeviceListReader } from '../encryption/device-list.ts';
import { DeviceListChanges } from '../encryption/device-list-change.ts';
import { KeyBackups } from '../encryption/key-backup.ts';
import { KeyClaims } from '../encryption/key-claim.ts';
import { KeyDirectory } from '../encryption/key-directory.ts';
import { KeyQueries } from '../encryption/key-query.ts';
import { KeyUpload } from '../encryption/key-upload.ts';
import { Signatures } from '../encryption/signatures.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import type { BucketSize } from '../platform/token-buckets.ts';
import { deleteClaimableKeysOfDevices } from '../storage/encryption/claimable-keys.ts';
import { deleteDehydratedDevices } from '../storage/encryption/dehydrated-devices.ts';
import { deleteDeviceKeys } from '../storage/encryption/device-keys.ts';
import { deleteToDeviceOfDevices } from '../storage/encryption/to-device.ts';
import { ToDeviceInbox } from '../to-device/inbox.ts';
import { ToDevice } from '../to-device/to-device.ts';
import { ToDeviceRetention } from '../to-device/to-device-retention.ts';
import type { Base } from './base.ts';
import type { Users } from './users.ts';

/** The limits of messages to devices. */
export interface ToDeviceSettings {
  /** The time after a device was last seen in which its messages are never dropped, in milliseconds. */
  readonly keptMs: number;
  /** The budget of a user for messages to devices, in characters of JSON; undefined without a limit. */
  readonly senderBudget: BucketSize | undefined;
}

/** The log and the metrics that encryption uses. */
interface Monitoring {
  readonly log: Pick<Log, 'warn'>;
  readonly metrics: Metrics;
}

interface EncryptionSettings {
  readonly serverName: string;
  readonly toDevice: ToDeviceSettings;
}

export type Encryption = ReturnType<typeof openEncryption>;

/** Creates end-to-end encryption, whose keys and messages are removed with their devices and accounts. */
export function openEncryption(base: Base, users: Users, { log, metrics }: Monitoring, settings: EncryptionSettings) {
  const { database, names, stream, clock, background } = base;
  const { deviceNumbers, sessions, lastSeen } = users;
  const { serverName } = settings;
  const { keptMs, senderBudget } = settings.toDevice;
  const keyDirectory = new KeyDirectory(database);
  const claimableKeys = new ClaimableKeys(database);
  const inbox = new ToDeviceInbox(database, clock, background);
  const deviceListChanges = new DeviceListChanges();
  const keyUpload = new KeyUpload({ database, stream, keyDirectory, claimableKeys, deviceListChanges });
  const crossSigning = new CrossSigning({ database, stream, keyDirectory, deviceListChanges });
  const keyBackups = new KeyBackups({ database, names, stream });
  const retention = new ToDeviceRetention({ database, clock, log, metrics, lastSeen, keptMs });
  sessions.onAdded((_user, device) => {
    inbox.deviceAdded(device);
    claimableKeys.deviceAdded(device);
  });
  followDevices(base, users, deviceListChanges, { keyDirectory, claimableKeys, inbox });
  users.accountChanges.onDeactivated(async (user) => {
    await crossSigning.forget(user);
    await keyBackups.forget(user);
  });
  return {
    keyDirectory,
    deviceListChanges,
    claimableKeys,
    inbox,
    keyUpload,
    deviceListReader: new DeviceListReader(database, users.accounts, serverName),
    keyQueries: new KeyQueries(names, keyDirectory),
    keyClaims: new KeyClaims(names, deviceNumbers, claimableKeys),
    crossSigning,
    signatures: new Signatures({ names, stream, keyDirectory, crossSigning, deviceListChanges }),
    keyBackups,
    toDevice: new ToDevice({ names, stream, clock, deviceNumbers, inbox, serverName }, senderBudget),
    toDeviceRetention: retention,
    dehydratedDevices: new DehydratedDevices({ database, stream, sessions, inbox, keyUpload }),
  };
}

/**
 * Registers the removal of everything that belongs to a removed device. Other users get a change of its owner's device
 * list.
 */
function followDevices(
  { stream }: Pick<Base, 'stream'>,
  users: Users,
  deviceListChanges: DeviceListChanges,
  caches: { keyDirectory: KeyDirectory; claimableKeys: ClaimableKeys; inbox: ToDeviceInbox },
) {
  const { keyDirectory, claimableKeys, inbox } = caches;
  users.sessions.onRemoved((user, devices) => {
    const listed = deviceListChanges.of(user, stream.next(), [{ devices }]);
    return {
      writes: [
        ...listed.writes,
        deleteDeviceKeys(devices),
        ...deleteClaimableKeysOfDevices(devices),
        deleteDehydratedDevices(devices),
        ...deleteToDeviceOfDevices(devices),
      ],
      changes: [listed.change],
      committed() {
        keyDirectory.changed(user);
        claimableKeys.forget(devices);
        inbox.forget(devices);
      },
    };
  });
  users.devices.onRenamed(async (user, device) => {
    const listed = deviceListChanges.of(user, stream.next(), [{ devices: [device] }]);
    await stream.commit(listed.writes, [listed.change], () => keyDirectory.changed(user));
  });
}
