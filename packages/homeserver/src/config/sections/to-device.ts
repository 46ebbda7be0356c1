import * as v from 'valibot';
import { about, wholeNumber } from '../kinds.ts';

/** Messages from device to device, which carry the keys of encrypted rooms. */
export const toDevice = v.strictObject({
  kept_days: v.optional(
    v.pipe(
      wholeNumber(1, 36_500),
      about({
        doc: 'The server keeps all to-device messages for devices that were seen within this number of days. For other devices it keeps the latest 16 MiB of the messages from this number of days.',
        write: 'a number of days',
      }),
    ),
    90,
  ),
  sender_bytes_per_day: v.optional(
    v.pipe(
      v.union([v.literal(false), wholeNumber(1_048_576, Number.MAX_SAFE_INTEGER)]),
      about({
        doc: 'How many bytes of to-device messages a user may send in a day, counted for each receiving device. An eighth of it may be sent at once.',
        write: 'false, or a number of bytes, at least 1048576',
      }),
    ),
    1_073_741_824,
  ),
});
