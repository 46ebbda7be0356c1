import * as v from 'valibot';
import { about, wholeNumber } from '../kinds.ts';

/** How long messages are kept. */
export const retention = v.strictObject({
  enabled: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether the server deletes messages that are older than the limit of their room (`m.room.retention`) or than `default_days`. Deleted messages cannot be restored.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  default_days: days(
    'How long the server keeps messages in rooms without a limit. If this key and `max_days` are missing, it keeps them for ever.',
  ),
  min_days: days('The shortest limit of a room. Shorter limits of rooms count as this one.'),
  max_days: days('The longest limit of a room. It also applies to rooms without a limit.'),
});

function days(doc: string) {
  return v.optional(v.pipe(wholeNumber(1, 36_500), about({ doc, write: 'a number of days' })));
}
