import * as v from 'valibot';
import { about, wholeNumber } from './kinds.ts';

/** Messages from device to device, which carry the keys of encrypted rooms. */
export const toDevice = v.strictObject({
  kept_days: v.optional(
    v.pipe(
      wholeNumber(1, 36_500),
      about({
        doc: 'Messages that wait for a device are never dropped when the device was seen within so many days. For other devices the latest 16 MiB of the same time are kept.',
        write: 'a number of days',
      }),
    ),
    90,
  ),
  sender_bytes_per_day: v.optional(
    v.pipe(
      v.union([v.literal(false), wholeNumber(1_048_576, Number.MAX_SAFE_INTEGER)]),
      about({
        doc: 'How much a user may send to devices in a day, counted for each device; an eighth of it at once.',
        write: 'false, or a number of bytes, at least 1048576',
      }),
    ),
    1_073_741_824,
  ),
});
