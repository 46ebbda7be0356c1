import * as v from 'valibot';
import { about } from './kinds.ts';

const budget = v.strictObject({
  per_second: v.pipe(
    v.number(),
    v.minValue(0.0001),
    about({ doc: 'How many a second in the long run.', write: 'a number above 0' }),
  ),
  burst: v.pipe(
    v.number(),
    v.minValue(1),
    about({ doc: 'How many at once after a rest.', write: 'a number of at least 1' }),
  ),
});

const noBudget = v.pipe(
  v.literal(false),
  v.transform(() => false as const),
);

/** A budget or `false`; told apart beforehand, so that a refusal names the member that is wrong. */
function limit(doc: string, per_second: number, burst: number) {
  return v.optional(
    v.pipe(
      v.lazy((input) => (typeof input === 'object' ? budget : noBudget)),
      about({ doc, write: 'false, or per_second and burst' }),
    ),
    { per_second, burst },
  );
}

const classes = v.strictObject({
  login: limit('Logins, by address.', 0.2, 10),
  registration: limit('Registrations, by address.', 0.05, 5),
  message: limit('Events sent, by user.', 10, 50),
  join: limit('Joins and knocks, by user.', 0.5, 20),
  invite: limit('Invitations, by user.', 0.5, 20),
  room_creation: limit('New rooms, by user.', 0.1, 10),
  profile: limit('Changes of the profile, by user.', 1, 10),
  keys: limit('Requests for encryption keys, by user.', 10, 100),
  upload: limit('Uploads, by user.', 5, 50),
  preview: limit('Previews of links, by user.', 2, 30),
});

const none = v.pipe(
  v.literal(false),
  v.transform(() => ({
    login: false as const,
    registration: false as const,
    message: false as const,
    join: false as const,
    invite: false as const,
    room_creation: false as const,
    profile: false as const,
    keys: false as const,
    upload: false as const,
    preview: false as const,
  })),
);

/** How many requests are answered before a client is asked to wait; `false` for as many as come. */
export const rateLimits = v.optional(
  v.lazy((input) => (input === false ? none : classes)),
  {},
);
