import * as v from 'valibot';
import { about, wholeNumber } from './kinds.ts';

/** How long messages are kept. */
export const retention = v.strictObject({
  enabled: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether messages are deleted that are older than their room says (`m.room.retention`), or than `default_days`. What is deleted cannot be brought back.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  default_days: days('How long messages are kept in rooms that say nothing; without it for ever.'),
  min_days: days('Rooms cannot have messages deleted sooner than that.'),
  max_days: days('Rooms that say nothing or more keep messages no longer than that.'),
});

function days(doc: string) {
  return v.optional(v.pipe(wholeNumber(1, 36_500), about({ doc, write: 'a number of days' })));
}
