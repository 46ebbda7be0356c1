import * as v from 'valibot';
import { about, text, wholeNumber } from '../kinds.ts';

const smtp = v.strictObject({
  host: v.optional(
    v.pipe(
      text,
      about({
        doc: 'The SMTP server that sends the mail. If it is missing, Hearth sends no mail.',
        write: 'a host name',
        example: 'mail.example.org',
      }),
    ),
  ),
  port: v.optional(
    v.pipe(wholeNumber(1, 65_535), about({ doc: 'The port of the SMTP server.', write: 'a port' })),
    587,
  ),
  tls: v.optional(
    v.pipe(
      v.picklist(['starttls', 'always', 'never']),
      about({
        doc: 'The encryption of the connection. `starttls` requires STARTTLS and sends nothing without it. `always` uses TLS from the start (port 465). `never` is for an SMTP server on the same machine.',
        write: 'starttls, always or never',
      }),
    ),
    'starttls',
  ),
  username: v.optional(
    v.pipe(
      text,
      about({ doc: 'The account on the SMTP server, if the server requires authentication.', write: 'a name' }),
    ),
  ),
  password: v.optional(
    v.pipe(text, about({ doc: 'The password of that account.', write: 'a password', env: 'HEARTH_SMTP_PASSWORD' })),
  ),
});

/** Mail that the server sends. */
export const mail = v.strictObject({
  smtp: v.optional(smtp, {}),
  from: v.optional(
    v.pipe(
      text,
      about({ doc: 'The sender address of all mail.', write: 'an address', example: 'Hearth <hearth@example.org>' }),
    ),
  ),
  unverified_addresses: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether users may receive notifications at any mail address. The server does not verify that an address belongs to the user, so enable this only if you trust your users.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  notify_after_ms: v.optional(
    v.pipe(
      wholeNumber(0),
      about({ doc: 'How long a message must be unread before the server sends mail about it.', write: 'milliseconds' }),
    ),
    600_000,
  ),
  notify_every_ms: v.optional(
    v.pipe(
      wholeNumber(0),
      about({
        doc: 'The shortest time between two mails about unread messages to one address.',
        write: 'milliseconds',
      }),
    ),
    3_600_000,
  ),
});
