import * as v from 'valibot';
import { about, serverName, text, wholeNumber } from '../kinds.ts';

const patterns = v.array(text);

/** The configuration of the exchange with other servers. */
export const federation = v.strictObject({
  enabled: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether the server federates. If the key is missing, the server federates if `server_name` is a public domain.',
        write: 'true or false',
      }),
    ),
  ),
  delegate_to: v.optional(
    v.pipe(
      serverName,
      about({
        doc: 'The host to which this server delegates its federation traffic. It is served at `/.well-known/matrix/server`. It is needed only if other servers cannot reach this one at port 8448 of `server_name`.',
        write: 'a host name with an optional port, such as matrix.example.org:443',
      }),
    ),
  ),
  allow: v.optional(
    v.pipe(
      patterns,
      about({
        doc: 'The servers with which this server federates. `*` and `?` are wildcards; ports are ignored.',
        write: 'a list of host names or patterns such as *.example.org',
      }),
    ),
    ['*'],
  ),
  deny: v.optional(
    v.pipe(
      patterns,
      about({
        doc: 'The servers with which this server does not federate, even if `allow` contains them.',
        write: 'a list of host names or patterns such as *.example.org',
      }),
    ),
    [],
  ),
  key_servers: v.optional(
    v.pipe(
      v.array(serverName),
      about({
        doc: 'Servers that are asked for the signing keys of servers that do not answer. This server trusts their answers.',
        write: 'a list of server names',
      }),
    ),
    [],
  ),
  show_device_names: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether other servers get the names of devices, such as "Alice\'s phone", with their keys.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  strict_invite_state: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether invites of other servers are refused if the events that show the room are not complete and signed (MSC4311). Many servers still send an older format.',
        write: 'true or false',
      }),
    ),
    false,
  ),
  presence: v.optional(
    v.pipe(
      v.boolean(),
      about({
        doc: 'Whether the presence of users is exchanged with servers that share a room with them.',
        write: 'true or false',
      }),
    ),
    true,
  ),
  retry_min_ms: v.optional(
    v.pipe(
      wholeNumber(1),
      about({
        doc: 'The time until the next attempt to reach a server that has not answered once. It doubles with each failure.',
        write: 'a number of milliseconds, at least 1',
      }),
    ),
    5_000,
  ),
  retry_max_ms: v.optional(
    v.pipe(
      wholeNumber(1),
      about({
        doc: 'The longest time between attempts to reach a server that does not answer. Any request of that server ends the wait.',
        write: 'a number of milliseconds, at least 1',
      }),
    ),
    3_600_000,
  ),
});
