import * as v from 'valibot';
import { about, httpUrl, text, wholeNumber } from './kinds.ts';

/**
 * The configuration of calls: TURN servers, with a shared secret or one account for all users, and the transports of
 * group calls.
 */
export const voip = v.strictObject({
  uris: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^turns?:/))),
      about({
        doc: 'TURN servers for calls between users who cannot reach each other. Without any, clients are told of none.',
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
        doc: 'The secret of the TURN servers (`static-auth-secret` of coturn), from which each user gets a password for a while.',
        write: 'the text that the TURN servers have',
        env: 'HEARTH_TURN_SHARED_SECRET',
      }),
    ),
  ),
  username: v.optional(
    v.pipe(
      text,
      about({ doc: 'One account of the TURN servers for everybody, instead of a secret.', write: 'a name' }),
    ),
  ),
  password: v.optional(v.pipe(text, about({ doc: 'Its password.', write: 'a password', env: 'HEARTH_TURN_PASSWORD' }))),
  ttl_ms: v.optional(
    v.pipe(
      wholeNumber(60_000),
      about({ doc: 'How long clients may use what they are told.', write: 'milliseconds, at least 60000' }),
    ),
    86_400_000,
  ),
  livekit_url: v.optional(
    v.pipe(
      httpUrl,
      about({
        doc: 'Where clients get access to the LiveKit server that carries group calls (MSC4143).',
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
        doc: 'Whether the user directory finds every user of the server, and not only those who share a room with the one who searches or are in a public room.',
        write: 'true or false',
      }),
    ),
    false,
  ),
});
