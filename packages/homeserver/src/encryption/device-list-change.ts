import { putDeviceListChange } from '../storage/encryption/device-lists.ts';
import type { Write } from '../storage/engine/database.ts';
import type { Change } from '../storage/engine/stream.ts';

export interface DeviceListChange {
  readonly writes: readonly Write[];
  readonly change: Change;
}

/** What says that a user's public keys have changed: stored for clients that are away, announced to the others. */
export function deviceListChange(user: number, position: number): DeviceListChange {
  return { writes: [putDeviceListChange(user, position)], change: { kind: 'device-list', position, user } };
}

/**
 * What says that a key has changed that nobody but its owner can see, as the user-signing key (client-server API,
 * "Cross-signing"): announced to the owner's devices only.
 */
export function ownKeyChange(user: number, position: number): DeviceListChange {
  return { writes: [], change: { kind: 'device-list', position, user, onlyFor: user } };
}
