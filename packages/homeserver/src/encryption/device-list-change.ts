import type { Write } from '../storage/database.ts';
import { putDeviceListChange } from '../storage/device-lists.ts';
import type { Change } from '../storage/stream.ts';

/** What says that a user's public keys have changed: stored for clients that are away, announced to the others. */
export function deviceListChange(user: number, position: number): { readonly write: Write; readonly change: Change } {
  return { write: putDeviceListChange(user, position), change: { kind: 'device-list', position, user } };
}
