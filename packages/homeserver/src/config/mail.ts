import * as v from 'valibot';
import { about, text, wholeNumber } from './kinds.ts';

const smtp = v.strictObject({
  host: v.optional(
    v.pipe(
      text,
      about({
        doc: 'The mail server that mail goes out through. Without it no mail is sent.',
        write: 'a host name',
        example: 'mail.example.org',
      }),
    ),
  ),
  port: v.optional(v.pipe(wholeNumber(1, 65_535), about({ doc: 'Its port.', write: 'a port' })), 587),
  tls: v.optional(
    v.pipe(
      v.picklist(['starttls', 'always', 'never']),
      about({
        doc: 'How the connection is protected: `starttls` turns it into an encrypted one and sends nothing otherwise, `always` encrypts from the start (port 465), `never` is for a mail server on the same machine.',
        write: 'starttls, always or never',
      }),
    ),
    'starttls',
  ),
  username: v.optional(
    v.pipe(text, about({ doc: 'The account at the mail server, if it wants one.', write: 'a name' })),
  ),
  password: v.optional(v.pipe(text, about({ doc: 'Its password.', write: 'a password', env: 'HEARTH_SMTP_PASSWORD' }))),
});

/** Mail that the server sends. */
export const mail = v.strictObject({
  smtp: v.optional(smtp, {}),
  from: v.optional(
    v.pipe(text, about({ doc: 'From whom mail is.', write: 'an address', example: 'Hearth <hearth@example.org>' })),
  ),
  unverified_addresses: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether users may have notifications sent to any address, which nobody checks to be theirs. For servers whose users are trusted.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  notify_after_ms: v.optional(
    v.pipe(
      wholeNumber(0),
      about({ doc: 'How long a message has to be unread before mail is sent about it.', write: 'milliseconds' }),
    ),
    600_000,
  ),
  notify_every_ms: v.optional(
    v.pipe(
      wholeNumber(0),
      about({ doc: 'The shortest time between two such mails to one address.', write: 'milliseconds' }),
    ),
    3_600_000,
  ),
});
