import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../../platform/clock.ts';
import { TokenBuckets } from '../../platform/token-buckets.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Messages } from '../../to-device/to-device.ts';
import type { KeyDirectory } from '../key-directory.ts';
import type { UserKeys } from '../user-keys.ts';
import type { RemoteDeviceLists } from './remote-device-lists.ts';

interface Parts {
  readonly names: Names;
  readonly keyDirectory: KeyDirectory;
  readonly lists: RemoteDeviceLists;
  readonly clock: Clock;
}

/** The contents of a message that are examined. */
const CONTENTS_MAX = 20;
/** A list is fetched at most this often because of messages. */
const PER_SECOND = 1 / 60;

/**
 * Fetches the device list of a user whose to-device message comes from a device that the stored list does not have,
 * because an update of the list must have been lost.
 */
export class UnknownDevices {
  readonly #parts: Parts;
  readonly #budget: TokenBuckets<number>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#budget = new TokenBuckets(parts.clock, { perSecond: PER_SECOND, burst: 1 });
  }

  /** Examines a message of a user of another server. */
  async check(sender: string, messages: Messages): Promise<void> {
    const { names, keyDirectory, lists } = this.#parts;
    const contents = Object.values(messages).flatMap((devices) => Object.values(devices));
    const marks = contents.slice(0, CONTENTS_MAX).map(marksOf);
    if (marks.every(({ deviceId, identityKey }) => deviceId === undefined && identityKey === undefined)) return;
    const user = await names.find(sender);
    if (user === undefined) return;
    const keys = await keyDirectory.one(user);
    if (marks.every((mark) => isKnown(mark, keys))) return;
    const list = await lists.one(user);
    if (list === undefined || list.stale_ts !== null || this.#budget.take(user) > 0) return;
    await lists.makeStale([user]);
  }
}

/** The parts of a message that identify the device of its sender. */
interface DeviceMarks {
  readonly deviceId: string | undefined;
  /** The identity key, for Curve25519, in an Olm message. */
  readonly identityKey: string | undefined;
}

function marksOf(content: JsonObject): DeviceMarks {
  const deviceId = content.requesting_device_id ?? content.from_device ?? content.device_id;
  return { deviceId: asString(deviceId), identityKey: asString(content.sender_key) };
}

function isKnown({ deviceId, identityKey }: DeviceMarks, keys: UserKeys): boolean {
  if (deviceId !== undefined && !keys.hasDevice(deviceId)) return false;
  return identityKey === undefined || keys.hasIdentityKey(identityKey);
}
