import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { userId } from '@hearth/protocol/identifiers/user-id.ts';
import * as v from 'valibot';
import { Namespaces, patternOf } from './namespaces.ts';

const token = v.pipe(v.string(), v.nonEmpty('must not be empty'));

const namespace = v.object({
  regex: v.pipe(v.string(), v.check(isPattern, 'must be a regular expression')),
  exclusive: v.optional(v.boolean(), false),
});

const namespaces = v.optional(v.nullable(v.array(namespace)));

/** A registration file (application service API, "Registration"). Files of bridges have further keys. */
const registrationSchema = v.object({
  id: token,
  url: v.nullish(v.string()),
  as_token: token,
  hs_token: token,
  sender_localpart: token,
  rate_limited: v.nullish(v.boolean()),
  receive_ephemeral: v.nullish(v.boolean()),
  'de.sorunome.msc2409.push_ephemeral': v.nullish(v.boolean()),
  push_ephemeral: v.nullish(v.boolean()),
  protocols: v.nullish(v.array(v.string())),
  namespaces: v.object({ users: namespaces, aliases: namespaces, rooms: namespaces }),
});

/** An application service: a bridge or a bot that acts for many users of this server. */
export interface ApplicationService {
  readonly id: string;
  /** The URL to which events are sent; undefined if the application service wants none. */
  readonly url: string | undefined;
  /** The token by which the application service authenticates to this server. */
  readonly ownToken: string;
  /** The token by which this server authenticates to the application service. */
  readonly serverToken: string;
  /** The user id of the application service itself. */
  readonly senderId: string;
  /** Whether requests for its users other than the sender count against the rate limits. */
  readonly isRateLimited: boolean;
  /** Whether it gets typing notifications, receipts and presence. */
  readonly receivesEphemeral: boolean;
  /** The third-party networks that it connects to. */
  readonly protocols: readonly string[];
  readonly users: Namespaces;
  readonly aliases: Namespaces;
  readonly rooms: Namespaces;
}

/** A mistake in a registration file, at a key. */
export interface RegistrationProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type ReadRegistration =
  | { readonly service: ApplicationService; readonly problems?: undefined }
  | { readonly service?: undefined; readonly problems: readonly RegistrationProblem[] };

/** Reads the parsed content of a registration file. */
export function readRegistration(value: unknown, server: ServerName): ReadRegistration {
  const result = v.safeParse(registrationSchema, value);
  if (!result.success) return { problems: result.issues.map(problemOf) };
  const { output } = result;
  const senderId = userId(output.sender_localpart, server);
  if (senderId === undefined) return { problems: [{ path: ['sender_localpart'], message: 'must be a localpart' }] };
  const url = output.url?.replace(/\/+$/, '');
  if (url !== undefined && url !== '' && !/^https?:\/\//.test(url))
    return { problems: [{ path: ['url'], message: 'must be an http or https URL, or null' }] };
  return {
    service: {
      id: output.id,
      url: url === '' ? undefined : url,
      ownToken: output.as_token,
      serverToken: output.hs_token,
      senderId,
      isRateLimited: output.rate_limited ?? true,
      receivesEphemeral:
        output.receive_ephemeral ?? output['de.sorunome.msc2409.push_ephemeral'] ?? output.push_ephemeral ?? false,
      protocols: output.protocols ?? [],
      users: new Namespaces(output.namespaces.users ?? []),
      aliases: new Namespaces(output.namespaces.aliases ?? []),
      rooms: new Namespaces(output.namespaces.rooms ?? []),
    },
  };
}

function problemOf(issue: v.BaseIssue<unknown>): RegistrationProblem {
  const path = (issue.path ?? []).flatMap(({ key }) =>
    typeof key === 'string' || typeof key === 'number' ? [key] : [],
  );
  return { path, message: issue.message };
}

function isPattern(regex: string): boolean {
  try {
    patternOf(regex);
    return true;
  } catch {
    return false;
  }
}
