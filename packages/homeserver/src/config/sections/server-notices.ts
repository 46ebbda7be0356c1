import * as v from 'valibot';
import { about, text } from '../kinds.ts';

/** Messages of the server to its users, see the module "Server Notices" of the client-server API. */
export const serverNotices = v.strictObject({
  localpart: v.optional(
    v.pipe(
      text,
      about({
        doc: 'The localpart of the user who sends server notices. If it is missing, administrators cannot send any.',
        write: 'the localpart of a user id',
        example: 'server-notices',
      }),
    ),
  ),
  display_name: v.optional(
    v.pipe(v.string(), about({ doc: 'The display name of this user.', write: 'a name' })),
    'Server Notices',
  ),
  avatar_url: v.optional(v.pipe(text, about({ doc: 'The avatar of this user.', write: 'an mxc:// URI' }))),
  room_name: v.optional(
    v.pipe(v.string(), about({ doc: 'The name of the rooms with server notices.', write: 'a name' })),
    'Server Notices',
  ),
  room_topic: v.optional(v.pipe(text, about({ doc: 'The topic of these rooms.', write: 'a text' }))),
  room_avatar_url: v.optional(v.pipe(text, about({ doc: 'The avatar of these rooms.', write: 'an mxc:// URI' }))),
  auto_join: v.optional(
    v.pipe(
      v.boolean(),
      about({ doc: 'Whether users join the room at once instead of being invited.', write: 'true or false' }),
    ),
    false,
  ),
});
