import { putDeviceListChange } from '../storage/encryption/device-lists.ts';
import type { Write } from '../storage/engine/database.ts';
import type { Change } from '../storage/engine/stream.ts';

export interface DeviceListChange {
  readonly writes: readonly Write[];
  readonly change: Change;
}

/** A change of a user's public keys: stored for clients that are away, announced to the others. */
export function deviceListChange(user: number, position: number): DeviceListChange {
  return { writes: [putDeviceListChange(user, position)], change: { kind: 'device-list', position, user } };
}

/**
 * A change of a key that only its owner can see, such as the user-signing key (client-server API,
 * "Cross-signing"): announced to the owner's devices only.
 */
export function ownKeyChange(user: number, position: number): DeviceListChange {
  return { writes: [], change: { kind: 'device-list', position, user, onlyFor: user } };
}
