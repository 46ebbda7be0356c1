import * as v from 'valibot';
import { about } from '../kinds.ts';

const budget = v.strictObject({
  per_second: v.pipe(
    v.number(),
    v.minValue(0.0001),
    about({ doc: 'The average number of requests per second.', write: 'a number above 0' }),
  ),
  burst: v.pipe(
    v.number(),
    v.minValue(1),
    about({ doc: 'The largest number of requests at once after a pause.', write: 'a number of at least 1' }),
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
  login: limit('Logins, per IP address.', 0.2, 10),
  wrong_password_user: limit('Wrong passwords at any endpoint, per user.', 0.05, 20),
  wrong_password_address: limit('Wrong passwords at any endpoint, per IP address.', 0.1, 30),
  registration: limit('Attempts to register an account or to use a registration token, per IP address.', 0.05, 5),
  event: limit('Events of a user in rooms: messages, state events, redactions and membership changes.', 10, 100),
  join: limit('Joins and knocks, per user. Each also counts as an event.', 0.5, 20),
  invite: limit('Invites, per user. Each also counts as an event.', 0.5, 50),
  room_creation: limit('New rooms, per user. Each of their first events also counts as an event.', 0.1, 10),
  profile: limit('Changes of profile and presence, per user.', 1, 20),
  ephemeral: limit('Receipts and typing notifications, per user.', 10, 100),
  settings: limit(
    'Changes of account data, tags, push rules, devices and similar settings, and reports, per user.',
    5,
    200,
  ),
  keys: limit('Requests for encryption keys and key backups, and to-device messages, per user.', 10, 200),
  upload: limit('Media uploads, per user.', 5, 50),
  download: limit(
    'Downloads and thumbnails, per user, or per IP address at endpoints without authentication.',
    50,
    1000,
  ),
  preview: limit('URL previews, per user.', 2, 30),
  read: limit('Requests with short answers, such as a profile or one state event, per user or IP address.', 50, 500),
  history: limit('Pages of messages, lists of members and complete room states, per user.', 20, 200),
  search: limit('Searches, the room directory and space hierarchies, per user or IP address.', 5, 50),
  sync: limit('Requests of `/sync`, sliding sync and `/events`, per user with all devices.', 50, 500),
  federation: limit('Signed requests of other servers, per server.', 50, 500),
  server_keys: limit(
    'Requests that make this server fetch signing keys, and signed requests that are not valid, per IP address.',
    2,
    100,
  ),
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
