import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';
import { natural } from '../../query.ts';

const LISTS_MAX = 100;

const LIST_NAME_LENGTH_MAX = 64;

const SUBSCRIPTIONS_MAX = 1_000;

const REQUIRED_STATE_MAX = 200;

const RANGES_MAX = 100;

const NAMES_MAX = 1_000;

const number = v.pipe(v.number(), v.integer(), v.minValue(0));

const names = v.pipe(v.array(v.string()), v.maxLength(NAMES_MAX));

/** The parts of a room that the client asks for. */
const roomConfig = {
  timeline_limit: v.optional(number, 0),
  required_state: v.optional(v.pipe(v.array(v.tuple([v.string(), v.string()])), v.maxLength(REQUIRED_STATE_MAX)), []),
};

const roomTypes = v.pipe(v.array(v.nullable(v.string())), v.maxLength(NAMES_MAX));

const filters = v.object({
  is_dm: v.nullish(v.boolean()),
  is_encrypted: v.nullish(v.boolean()),
  is_invite: v.nullish(v.boolean()),
  room_types: v.nullish(roomTypes),
  not_room_types: v.nullish(roomTypes),
  room_name_like: v.nullish(v.string()),
  tags: v.nullish(names),
  not_tags: v.nullish(names),
  spaces: v.nullish(names),
});

const list = v.object({
  ...roomConfig,
  ranges: v.nullish(v.pipe(v.array(v.tuple([number, number])), v.maxLength(RANGES_MAX))),
  slow_get_all_rooms: v.nullish(v.boolean()),
  filters: v.nullish(filters),
});

/** An extension about rooms, with the lists and the room subscriptions that it applies to. */
const roomExtension = v.object({
  enabled: v.nullish(v.boolean()),
  lists: v.nullish(names),
  rooms: v.nullish(names),
});

const extensions = v.object({
  to_device: v.nullish(
    v.object({ enabled: v.nullish(v.boolean()), limit: v.nullish(number), since: v.nullish(v.string()) }),
  ),
  e2ee: v.nullish(v.object({ enabled: v.nullish(v.boolean()) })),
  account_data: v.nullish(roomExtension),
  receipts: v.nullish(roomExtension),
  typing: v.nullish(roomExtension),
  'org.matrix.msc4354.sticky_events': v.nullish(
    v.object({ enabled: v.nullish(v.boolean()), limit: v.nullish(number), since: v.nullish(v.string()) }),
  ),
  'io.element.msc4308.thread_subscriptions': v.nullish(
    v.object({ enabled: v.nullish(v.boolean()), limit: v.nullish(number) }),
  ),
});

/** The body of a sliding sync request (MSC4186, as clients send it to the unstable path). */
const slidingSyncBody = v.object({
  conn_id: v.nullish(v.pipe(v.string(), v.maxLength(LIST_NAME_LENGTH_MAX))),
  txn_id: v.nullish(v.pipe(v.string(), v.maxLength(255))),
  lists: v.nullish(
    v.pipe(
      v.record(v.pipe(v.string(), v.maxLength(LIST_NAME_LENGTH_MAX)), list),
      v.check((lists) => Object.keys(lists).length <= LISTS_MAX, `at most ${LISTS_MAX} lists`),
    ),
  ),
  room_subscriptions: v.nullish(
    v.pipe(
      v.record(v.string(), v.object(roomConfig)),
      v.check((rooms) => Object.keys(rooms).length <= SUBSCRIPTIONS_MAX, `at most ${SUBSCRIPTIONS_MAX} rooms`),
    ),
  ),
  extensions: v.nullish(extensions),
});

/** `POST /sync`: simplified sliding sync (MSC4186). */
export const slidingSync = endpoint({
  operation: 'slidingSync',
  method: 'POST',
  paths: ['/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'],
  access: 'guest',
  limit: 'sync',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    pos: v.optional(v.string()),
    timeout: v.optional(natural),
    set_presence: v.optional(v.picklist(['offline', 'online', 'unavailable'])),
  }),
  body: slidingSyncBody,
});
