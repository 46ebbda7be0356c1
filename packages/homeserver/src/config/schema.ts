import { DEFAULT_ROOM_VERSION, STABLE_ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import * as v from 'valibot';
import { about, address, addressRange, httpUrl, serverName, text, wholeNumber } from './kinds.ts';
import { applicationServices } from './sections/application-services.ts';
import { userDirectory, voip } from './sections/calls.ts';
import { federation } from './sections/federation.ts';
import { mail } from './sections/mail.ts';
import { media } from './sections/media.ts';
import { rateLimits } from './sections/rate-limits.ts';
import { retention } from './sections/retention.ts';
import { serverNotices } from './sections/server-notices.ts';
import { toDevice } from './sections/to-device.ts';

const roomVersions = STABLE_ROOM_VERSIONS.map(({ id }) => id);

const tls = v.strictObject({
  certificate: v.pipe(text, about({ doc: 'The certificate with its chain.', write: 'the path of a PEM file' })),
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
        doc: 'The PostgreSQL database that the server uses instead of the embedded database.',
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
        doc: 'The people who may register an account. `token` requires a registration token, and permits no registration while no token exists. `open` permits everyone.',
        write: 'token or open',
      }),
    ),
    'token',
  ),
  guests: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether people without an account may register as guests. Guests can read and join rooms that permit guest access.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  shared_secret: v.optional(
    v.pipe(
      text,
      about({
        doc: 'A secret with which programs may register accounts, including administrators, at `/_synapse/admin/v1/register`.',
        write: 'a long random text',
        env: 'HEARTH_REGISTRATION_SHARED_SECRET',
      }),
    ),
  ),
});

const passwords = v.strictObject({
  memory_kib: v.optional(
    v.pipe(
      wholeNumber(8),
      about({ doc: 'The memory for one password hash (Argon2id).', write: 'a number of KiB, at least 8' }),
    ),
    47_104,
  ),
  iterations: v.optional(
    v.pipe(
      wholeNumber(1),
      about({ doc: 'The number of passes over the memory.', write: 'a whole number, at least 1' }),
    ),
    1,
  ),
  parallelism: v.optional(
    v.pipe(
      wholeNumber(1, 64),
      about({ doc: 'The number of threads for one hash.', write: 'a whole number from 1 to 64' }),
    ),
    1,
  ),
});

const sessions = v.strictObject({
  access_token_ms: v.optional(
    v.pipe(
      wholeNumber(1_000),
      about({
        doc: 'How long an access token is valid if the client has also requested a refresh token.',
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
      about({ doc: 'The users who may publish rooms in the room directory.', write: 'everyone or administrators' }),
    ),
    'everyone',
  ),
  public_list: v.optional(
    v.pipe(
      v.boolean(),
      about({ doc: 'Whether people can read the room directory without an account.', write: 'true or false' }),
    ),
    true,
  ),
});

const outbound = v.strictObject({
  allowed_addresses: v.optional(
    v.pipe(
      v.array(addressRange),
      about({
        doc: 'Private addresses to which the server may connect for URL previews, push gateways and other servers, whose addresses come from others.',
        write: 'a list of IP addresses or ranges such as 10.0.0.0/8',
      }),
    ),
    [],
  ),
  trusted_ca_file: v.optional(
    v.pipe(
      text,
      about({
        doc: 'Certificates of additional authorities that all outgoing TLS connections trust.',
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
        doc: 'The address of the listener for `/metrics` (Prometheus format). If it is missing, the server collects no metrics.',
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
        doc: 'The lowest level of log messages on standard error. `debug` includes a message for each request.',
        write: 'debug, info, warn, error or silent',
      }),
    ),
    'info',
  ),
  format: v.optional(
    v.pipe(
      v.picklist(['text', 'json']),
      about({ doc: 'The format of log messages: text for people, or JSON for programs.', write: 'text or json' }),
    ),
    'text',
  ),
});

const limits = v.strictObject({
  body_bytes: v.optional(
    v.pipe(
      wholeNumber(65_536),
      about({ doc: 'The largest JSON body of a request.', write: 'a number of bytes, at least 65536' }),
    ),
    1_048_576,
  ),
  close_ms: v.optional(
    v.pipe(
      wholeNumber(0),
      about({ doc: 'How long requests may take to finish when the server stops.', write: 'milliseconds' }),
    ),
    5_000,
  ),
  connections: v.optional(
    v.pipe(
      wholeNumber(10),
      about({
        doc: 'How many connections each listener accepts at the same time. Further connections are closed.',
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
        doc: 'The server name in user ids and room aliases. It cannot change after the first start.',
        write: 'a host name, such as example.org',
      }),
    ),
    'localhost',
  ),
  data_dir: v.optional(
    v.pipe(text, about({ doc: 'The folder for the data of the server.', write: 'the path of a folder' })),
    './data',
  ),
  listen: v.optional(
    v.pipe(
      v.array(listener),
      v.nonEmpty(),
      about({
        doc: 'The addresses on which the server listens. Each address serves every API. With `tls` (`certificate` and `key`, paths of PEM files) an address serves HTTPS.',
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
        doc: 'The URL at which clients reach the server. `/.well-known/matrix/client` announces it.',
        write: 'a URL such as https://matrix.example.org',
      }),
    ),
  ),
  trusted_proxies: v.optional(
    v.pipe(
      v.array(addressRange),
      about({
        doc: 'The reverse proxies whose `X-Forwarded-For` header the server trusts.',
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
      about({ doc: 'The room version of new rooms.', write: `one of ${roomVersions.join(', ')}` }),
    ),
    DEFAULT_ROOM_VERSION,
  ),
  database: v.optional(database, {}),
  registration: v.optional(registration, {}),
  passwords: v.optional(passwords, {}),
  sessions: v.optional(sessions, {}),
  room_directory: v.optional(roomDirectory, {}),
  federation: v.optional(federation, {}),
  media: v.optional(media, {}),
  outbound: v.optional(outbound, {}),
  user_directory: v.optional(userDirectory, {}),
  to_device: v.optional(toDevice, {}),
  voip: v.optional(voip, {}),
  application_services: applicationServices,
  mail: v.optional(mail, {}),
  retention: v.optional(retention, {}),
  server_notices: v.optional(serverNotices, {}),
  rate_limits: rateLimits,
  limits: v.optional(limits, {}),
  metrics: v.optional(metrics, {}),
  log: v.optional(log, {}),
});

/** A checked configuration with all defaults. */
export type Config = v.InferOutput<typeof configSchema>;
