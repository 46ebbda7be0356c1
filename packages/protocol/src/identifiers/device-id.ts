import { type Branded, fitsIdentifier } from './brand.ts';

/** A device id: an opaque string that the client or the server chooses (client-server API, "Devices"). */
export type DeviceId = Branded<'DeviceId'>;

/**
 * Parses a device id. Returns undefined when it is empty, longer than 255 bytes, or contains NUL or a lone surrogate.
 */
export function parseDeviceId(text: string): DeviceId | undefined {
  if (text === '' || !fitsIdentifier(text) || text.includes('\0') || !text.isWellFormed()) return undefined;
  return text as DeviceId;
}
