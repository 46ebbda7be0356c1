import * as v from 'valibot';
import { about, httpUrl, text, wholeNumber } from '../kinds.ts';

/**
 * The configuration of calls: TURN servers, with a shared secret or one account for all users, and the transports of
 * group calls.
 */
export const voip = v.strictObject({
  uris: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^turns?:/))),
      about({
        doc: 'The TURN servers for calls between users who cannot connect directly. If the list is empty, clients get no TURN servers.',
        write: 'a list of URIs',
        example: '["turn:turn.example.org:3478?transport=udp"]',
      }),
    ),
    [],
  ),
  shared_secret: v.optional(
    v.pipe(
      text,
      about({
        doc: 'The shared secret of the TURN servers (`static-auth-secret` of coturn). The server derives temporary credentials for each user from it.',
        write: 'the secret in the configuration of the TURN servers',
        env: 'HEARTH_TURN_SHARED_SECRET',
      }),
    ),
  ),
  username: v.optional(
    v.pipe(
      text,
      about({
        doc: 'An account on the TURN servers that all users share, instead of a shared secret.',
        write: 'a name',
      }),
    ),
  ),
  password: v.optional(
    v.pipe(text, about({ doc: 'The password of that account.', write: 'a password', env: 'HEARTH_TURN_PASSWORD' })),
  ),
  ttl_ms: v.optional(
    v.pipe(
      wholeNumber(60_000),
      about({
        doc: 'How long clients may use the TURN credentials that they get.',
        write: 'milliseconds, at least 60000',
      }),
    ),
    86_400_000,
  ),
  livekit_url: v.optional(
    v.pipe(
      httpUrl,
      about({
        doc: 'The service that gives clients access to the LiveKit server for group calls (MSC4143).',
        write: 'the URL of a lk-jwt-service such as https://livekit.example.org/livekit/jwt',
      }),
    ),
  ),
});

/** The configuration of the user directory. */
export const userDirectory = v.strictObject({
  search_all: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether a search in the user directory finds all users of the server. Otherwise it finds users who share a room with the searching user or are in a public room.',
        write: 'true or false',
      }),
    ),
    false,
  ),
});
