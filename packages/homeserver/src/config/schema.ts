import { DEFAULT_ROOM_VERSION, ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import * as v from 'valibot';
import { userDirectory, voip } from './calls.ts';
import { about, address, addressRange, httpUrl, serverName, text, wholeNumber } from './kinds.ts';
import { mail } from './mail.ts';
import { media } from './media.ts';
import { rateLimits } from './rate-limits.ts';
import { retention } from './retention.ts';
import { toDevice } from './to-device.ts';

const roomVersions = ROOM_VERSIONS.map(({ id }) => id);

const tls = v.strictObject({
  certificate: v.pipe(text, about({ doc: 'The certificate and its chain.', write: 'the path of a PEM file' })),
  key: v.pipe(text, about({ doc: 'The private key.', write: 'the path of a PEM file' })),
});

/** A listener, written as `host:port` or as an object with options. */
const listener = v.pipe(
  v.lazy((input) => {
    if (typeof input !== 'object')
      return v.pipe(
        address,
        v.transform((at) => ({ address: at, tls: undefined })),
      );
    return v.strictObject({ address, tls: v.optional(tls) });
  }),
  v.transform((input) => ({ ...input.address, tls: input.tls })),
  about({ doc: 'An address to listen on.', write: 'host:port, or an object with address and tls' }),
);

const database = v.strictObject({
  url: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^postgres(ql)?:\/\//),
      about({
        doc: 'A PostgreSQL database to use instead of the embedded one.',
        write: 'a URL such as postgres://user@host/database',
        env: 'HEARTH_DATABASE_URL',
      }),
    ),
  ),
});

const registration = v.strictObject({
  policy: v.optional(
    v.pipe(
      v.picklist(['token', 'open']),
      about({
        doc: 'Who may register an account: people with a registration token, or everybody. While no token exists, `token` means nobody.',
        write: 'token or open',
      }),
    ),
    'token',
  ),
  guests: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether people may look at rooms that allow it as guests, without an account.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  shared_secret: v.optional(
    v.pipe(
      text,
      about({
        doc: 'With this secret, programs may register accounts at `/_synapse/admin/v1/register`, administrators too.',
        write: 'a long random text',
        env: 'HEARTH_REGISTRATION_SHARED_SECRET',
      }),
    ),
  ),
});

const passwords = v.strictObject({
  memory_kib: v.optional(
    v.pipe(wholeNumber(8), about({ doc: 'Memory for one hash (Argon2id).', write: 'a number of KiB, at least 8' })),
    47_104,
  ),
  iterations: v.optional(
    v.pipe(wholeNumber(1), about({ doc: 'Passes over that memory.', write: 'a whole number, at least 1' })),
    1,
  ),
  parallelism: v.optional(
    v.pipe(wholeNumber(1, 64), about({ doc: 'Threads for one hash.', write: 'a whole number from 1 to 64' })),
    1,
  ),
});

const sessions = v.strictObject({
  access_token_ms: v.optional(
    v.pipe(
      wholeNumber(1_000),
      about({
        doc: 'How long an access token can be used where the client has asked for a refresh token as well.',
        write: 'a number of milliseconds, at least 1000',
      }),
    ),
    3_600_000,
  ),
});

const roomDirectory = v.strictObject({
  publication: v.optional(
    v.pipe(
      v.picklist(['everyone', 'administrators']),
      about({ doc: 'Who may publish rooms in the room directory.', write: 'everyone or administrators' }),
    ),
    'everyone',
  ),
  public_list: v.optional(
    v.pipe(
      v.boolean(),
      about({ doc: 'Whether the room directory can be read without an account.', write: 'true or false' }),
    ),
    true,
  ),
});

const outbound = v.strictObject({
  allowed_addresses: v.optional(
    v.pipe(
      v.array(addressRange),
      about({
        doc: 'Addresses that requests may go to although they are not public, where somebody else has said where to: previews of links, and push gateways.',
        write: 'a list of IP addresses or ranges such as 10.0.0.0/8',
      }),
    ),
    [],
  ),
  trusted_ca_file: v.optional(
    v.pipe(
      text,
      about({
        doc: 'Certificates of authorities that all outgoing TLS connections trust besides the usual ones.',
        write: 'the path of a PEM file',
      }),
    ),
  ),
});

const metrics = v.strictObject({
  listen: v.optional(
    v.pipe(
      address,
      about({
        doc: 'Where `/metrics` answers, in the form of Prometheus. Without it nothing is measured.',
        write: 'host:port',
        example: '127.0.0.1:9000',
      }),
    ),
  ),
});

const log = v.strictObject({
  level: v.optional(
    v.pipe(
      v.picklist(['debug', 'info', 'warn', 'error', 'silent']),
      about({
        doc: 'How much is logged, on standard error. `debug` has a line for each request.',
        write: 'debug, info, warn, error or silent',
      }),
    ),
    'info',
  ),
  format: v.optional(
    v.pipe(v.picklist(['text', 'json']), about({ doc: 'Lines for people or for programs.', write: 'text or json' })),
    'text',
  ),
});

const limits = v.strictObject({
  body_bytes: v.optional(
    v.pipe(
      wholeNumber(65_536),
      about({ doc: 'The longest JSON body of a request.', write: 'a number of bytes, at least 65536' }),
    ),
    1_048_576,
  ),
  close_ms: v.optional(
    v.pipe(
      wholeNumber(0),
      about({ doc: 'How long running requests may take to finish when the server stops.', write: 'milliseconds' }),
    ),
    5_000,
  ),
  connections: v.optional(
    v.pipe(
      wholeNumber(10),
      about({
        doc: 'How many connections each listener holds at the same time; more are refused.',
        write: 'a whole number, at least 10',
      }),
    ),
    20_000,
  ),
});

/** All keys of the configuration, each with its description. */
export const configSchema = v.strictObject({
  server_name: v.optional(
    v.pipe(
      serverName,
      about({
        doc: 'The name in user ids and room aliases. It can never be changed once there are accounts.',
        write: 'a host name, such as example.org',
      }),
    ),
    'localhost',
  ),
  data_dir: v.optional(
    v.pipe(text, about({ doc: 'The folder for everything the server keeps.', write: 'the path of a folder' })),
    './data',
  ),
  listen: v.optional(
    v.pipe(
      v.array(listener),
      v.nonEmpty(),
      about({
        doc: 'Where the server listens; every API is served at each. With `tls` (`certificate` and `key`, paths of PEM files) it speaks HTTPS there.',
        write: 'a list of host:port, or of objects with address and tls',
        example: '[0.0.0.0:8008, {address: "0.0.0.0:8448", tls: {certificate: cert.pem, key: key.pem}}]',
      }),
    ),
    ['127.0.0.1:8008', '[::1]:8008'],
  ),
  public_base_url: v.optional(
    v.pipe(
      httpUrl,
      about({
        doc: 'Where clients reach the server; told to them at `/.well-known/matrix/client`.',
        write: 'a URL such as https://matrix.example.org',
      }),
    ),
  ),
  trusted_proxies: v.optional(
    v.pipe(
      v.array(addressRange),
      about({
        doc: 'Reverse proxies whose `X-Forwarded-For` is believed.',
        write: 'a list of IP addresses or ranges such as 10.0.0.0/8',
      }),
    ),
    ['127.0.0.1', '::1'],
  ),
  default_room_version: v.optional(
    v.pipe(
      v.union([v.string(), v.number()]),
      v.transform(String),
      v.picklist(roomVersions),
      about({ doc: 'The version of new rooms.', write: `one of ${roomVersions.join(', ')}` }),
    ),
    DEFAULT_ROOM_VERSION,
  ),
  database: v.optional(database, {}),
  registration: v.optional(registration, {}),
  passwords: v.optional(passwords, {}),
  sessions: v.optional(sessions, {}),
  room_directory: v.optional(roomDirectory, {}),
  media: v.optional(media, {}),
  outbound: v.optional(outbound, {}),
  user_directory: v.optional(userDirectory, {}),
  to_device: v.optional(toDevice, {}),
  voip: v.optional(voip, {}),
  mail: v.optional(mail, {}),
  retention: v.optional(retention, {}),
  rate_limits: rateLimits,
  limits: v.optional(limits, {}),
  metrics: v.optional(metrics, {}),
  log: v.optional(log, {}),
});

/** A checked configuration with all defaults. */
export type Config = v.InferOutput<typeof configSchema>;
