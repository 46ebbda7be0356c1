import { type Branded, fitsIdentifier } from './brand.ts';

/** A device's id: an opaque string of the client's or the server's choice (client-server API, "Devices"). */
export type DeviceId = Branded<'DeviceId'>;

/** Parses a device id, or undefined when it is empty, over 255 bytes, or holds NUL or a lone surrogate. */
export function parseDeviceId(text: string): DeviceId | undefined {
  if (text === '' || !fitsIdentifier(text) || text.includes('\0') || !text.isWellFormed()) return undefined;
  return text as DeviceId;
}
