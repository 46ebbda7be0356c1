import { ClaimableKeys } from '../encryption/claimable-keys.ts';
import { CrossSigning } from '../encryption/cross-signing.ts';
import { DehydratedDevices } from '../encryption/dehydrated-devices.ts';
import { deviceListChange } from '../encryption/device-list-change.ts';
import { KeyBackups } from '../encryption/key-backup.ts';
import { KeyDirectory } from '../encryption/key-directory.ts';
import { KeyUpload } from '../encryption/key-upload.ts';
import { Signatures } from '../encryption/signatures.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import type { BucketSize } from '../platform/token-buckets.ts';
import { deleteClaimableKeysOfDevices } from '../storage/encryption/claimable-keys.ts';
import { deleteDehydratedDevices } from '../storage/encryption/dehydrated-devices.ts';
import { deleteDeviceKeys } from '../storage/encryption/device-keys.ts';
import { deleteOldToDeviceTransactions, deleteToDeviceOfDevices } from '../storage/encryption/to-device.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { ToDeviceInbox } from '../to-device/inbox.ts';
import { ToDevice } from '../to-device/to-device.ts';
import { ToDeviceRetention } from '../to-device/to-device-retention.ts';
import type { Users } from './users.ts';

/** How messages to devices are limited. */
export interface ToDeviceSettings {
  /** Messages are never dropped for a device that was seen within this time. Milliseconds. */
  readonly keptMs: number;
  /** How many characters of JSON a user may send to devices; undefined without a limit. */
  readonly senderBudget: BucketSize | undefined;
}

export interface EncryptionBase {
  readonly database: Database;
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly background: Background;
  readonly users: Users;
  readonly serverName: string;
  readonly log: Pick<Log, 'warn'>;
  readonly metrics: Metrics;
  readonly toDeviceSettings: ToDeviceSettings;
}

export type Encryption = ReturnType<typeof openEncryption>;

const CLEAN_UP_EVERY_MS = 60 * 60_000;
/** Nobody repeats a request after so long a time. */
const TRANSACTIONS_KEPT_MS = 24 * 60 * 60_000;

/** Puts end-to-end encryption together, and makes keys and messages go with their devices and accounts. */
export function openEncryption(base: EncryptionBase) {
  const { database, clock, background, users, toDeviceSettings } = base;
  const { deviceNumbers, sessions } = users;
  const keyDirectory = new KeyDirectory(database);
  const claimableKeys = new ClaimableKeys(database);
  const inbox = new ToDeviceInbox(database, background);
  const keyUpload = new KeyUpload({ ...base, keyDirectory, claimableKeys });
  const crossSigning = new CrossSigning({ ...base, keyDirectory });
  const parts = { ...base, deviceNumbers, keyDirectory, claimableKeys, inbox, keyUpload, crossSigning };
  const keyBackups = new KeyBackups(base);
  sessions.onAdded((_user, device) => {
    inbox.deviceAdded(device);
    claimableKeys.deviceAdded(device);
  });
  followDevices(parts);
  users.accountChanges.onDeactivated(async (user) => {
    await crossSigning.forget(user);
    await keyBackups.forget(user);
  });
  background.every(CLEAN_UP_EVERY_MS, 'forgetting old transaction ids of messages to devices', () =>
    database.commit([deleteOldToDeviceTransactions(clock.now() - TRANSACTIONS_KEPT_MS)]),
  );
  const retention = new ToDeviceRetention({ ...base, lastSeen: users.lastSeen, keptMs: toDeviceSettings.keptMs });
  background.every(CLEAN_UP_EVERY_MS, 'dropping messages to unseen devices', () => retention.run());
  return {
    ...parts,
    toDeviceRetention: retention,
    keyBackups,
    signatures: new Signatures(parts),
    toDevice: new ToDevice({ ...parts, senderBudget: toDeviceSettings.senderBudget }),
    dehydratedDevices: new DehydratedDevices({ ...parts, sessions }),
  };
}

/** Removes everything that belongs to a device with it. Other users are told that its owner's devices have changed. */
function followDevices(
  parts: EncryptionBase & { keyDirectory: KeyDirectory; claimableKeys: ClaimableKeys; inbox: ToDeviceInbox },
) {
  const { stream, users, keyDirectory, claimableKeys, inbox } = parts;
  users.sessions.onRemoved((user, devices) => {
    const listed = deviceListChange(user, stream.next());
    return {
      writes: [
        deleteDeviceKeys(devices),
        ...deleteClaimableKeysOfDevices(devices),
        deleteDehydratedDevices(devices),
        ...deleteToDeviceOfDevices(devices),
        ...listed.writes,
      ],
      changes: [listed.change],
      committed() {
        keyDirectory.changed(user);
        claimableKeys.forget(devices);
        inbox.forget(devices);
      },
    };
  });
  users.devices.onRenamed(async (user) => {
    const listed = deviceListChange(user, stream.next());
    await stream.commit(listed.writes, [listed.change], () => keyDirectory.changed(user));
  });
}
