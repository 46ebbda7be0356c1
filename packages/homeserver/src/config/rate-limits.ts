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

/**
 * Returns the schema of a budget or `false`. The two are distinguished first, so that an error names the wrong member.
 */
function limit(doc: string, per_second: number, burst: number) {
  return v.optional(
    v.pipe(
      v.lazy((input) => (typeof input === 'object' ? budget : noBudget)),
      about({ doc, write: 'false, or per_second and burst' }),
    ),
    { per_second, burst },
  );
}

const budgets = {
  login: limit('Logins, by address.', 0.2, 10),
  wrong_password_user: limit('Wrong passwords, wherever one is asked for, by user.', 0.05, 20),
  wrong_password_address: limit('Wrong passwords, wherever one is asked for, by address.', 0.1, 30),
  registration: limit('Attempts to register an account or to use a registration token, by address.', 0.05, 5),
  event: limit('Events that a user causes in rooms: messages, state, redactions, changes of membership.', 10, 100),
  join: limit('Joins and knocks, by user; each counts as an event as well.', 0.5, 20),
  invite: limit('Invitations, by user; each counts as an event as well.', 0.5, 50),
  room_creation: limit('New rooms, by user; each event in them counts as an event as well.', 0.1, 10),
  profile: limit('Changes of the profile and of the presence, by user.', 1, 20),
  ephemeral: limit('Receipts and typing notifications, by user.', 10, 100),
  settings: limit('Changes of account data, tags, push rules, devices and the like, reports, by user.', 5, 200),
  keys: limit('Requests for encryption keys and key backups, messages to devices, by user.', 10, 200),
  upload: limit('Uploads, by user.', 5, 50),
  download: limit('Downloads and thumbnails, by user, or by address where no token is needed.', 50, 1000),
  preview: limit('Previews of links, by user.', 2, 30),
  read: limit('Short answers, such as a profile or a piece of state, by user or address.', 50, 500),
  history: limit('Pages of messages, lists of members, whole states, by user.', 20, 200),
  search: limit('Searches, the room directory, spaces, by user or address.', 5, 50),
  sync: limit('Requests for news, by user with all devices.', 50, 500),
};

const classes = v.strictObject(budgets);

const none = v.pipe(
  v.literal(false),
  v.transform(() => {
    const names = Object.keys(budgets).map((name) => [name, false]);
    return Object.fromEntries(names) as Record<keyof typeof budgets, false>;
  }),
);

/** The rate limits: the number of requests that are answered before a client has to wait; `false` disables a limit. */
export const rateLimits = v.optional(
  v.lazy((input) => (input === false ? none : classes)),
  {},
);
