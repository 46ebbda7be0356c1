import { putDeviceListChange } from '../storage/encryption/device-lists.ts';
import { queueCrossSigningUpdate, queueDeviceUpdate } from '../storage/encryption/outgoing-device-lists.ts';
import type { Write } from '../storage/engine/database.ts';
import { rowNumber } from '../storage/engine/row-numbers.ts';
import type { Change } from '../storage/engine/stream.ts';

export interface DeviceListChange {
  readonly writes: readonly Write[];
  readonly change: Change;
}

/** Public keys of a user that change: those of devices, by the number of the device, or cross-signing keys. */
export type ChangedKeys = { readonly devices: readonly number[] } | { readonly crossSigning: true };

/** Creates the changes of the public keys of this server's users. */
export class DeviceListChanges {
  #areSent = false;

  /** Queues each change for other servers from now on. */
  sendToServers(): void {
    this.#areSent = true;
  }

  /**
   * Returns a change of a user's public keys, which is stored for offline clients and announced to the others. The
   * writes come before those that delete the devices.
   */
  of(user: number, position: number, changed: readonly ChangedKeys[]): DeviceListChange {
    const writes = [putDeviceListChange(user, position)];
    if (this.#areSent) {
      for (const keys of changed) {
        if ('crossSigning' in keys) writes.push(queueCrossSigningUpdate(rowNumber(position, writes.length), user));
        else
          for (const device of keys.devices) writes.push(queueDeviceUpdate(rowNumber(position, writes.length), device));
      }
    }
    return { writes, change: { kind: 'device-list', position, user } };
  }
}

/**
 * Returns a change of a key that only its owner can see, such as the user-signing key (client-server API, "Cross-
 * signing"). It is announced only to the owner's devices.
 */
export function ownKeyChange(user: number, position: number): DeviceListChange {
  return { writes: [], change: { kind: 'device-list', position, user, onlyFor: user } };
}
