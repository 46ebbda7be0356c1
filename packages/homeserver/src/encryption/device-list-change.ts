import { putDeviceListChange } from '../storage/encryption/device-lists.ts';
import type { Write } from '../storage/engine/database.ts';
import type { Change } from '../storage/engine/stream.ts';

export interface DeviceListChange {
  readonly writes: readonly Write[];
  readonly change: Change;
}

/** Returns a change of a user's public keys, which is stored for offline clients and announced to the others. */
export function deviceListChange(user: number, position: number): DeviceListChange {
  return { writes: [putDeviceListChange(user, position)], change: { kind: 'device-list', position, user } };
}

/**
 * Returns a change of a key that only its owner can see, such as the user-signing key (client-server API, "Cross-
 * signing"). It is announced only to the owner's devices.
 */
export function ownKeyChange(user: number, position: number): DeviceListChange {
  return { writes: [], change: { kind: 'device-list', position, user, onlyFor: user } };
}
