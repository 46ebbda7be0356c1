import type { UserId } from '@hearth/protocol/identifiers/user-id.ts';
import { Namespaces, type WrittenNamespace } from './namespaces.ts';

/** The content of a registration file (application service API, "Registration"). */
export interface Registration {
  readonly id: string;
  readonly url?: string | null | undefined;
  readonly as_token: string;
  readonly hs_token: string;
  readonly rate_limited?: boolean | null | undefined;
  readonly receive_ephemeral?: boolean | null | undefined;
  readonly push_ephemeral?: boolean | null | undefined;
  readonly 'de.sorunome.msc2409.push_ephemeral'?: boolean | null | undefined;
  readonly protocols?: readonly string[] | null | undefined;
  readonly namespaces: {
    readonly users?: readonly WrittenNamespace[] | null | undefined;
    readonly aliases?: readonly WrittenNamespace[] | null | undefined;
    readonly rooms?: readonly WrittenNamespace[] | null | undefined;
  };
}

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
  readonly senderId: UserId;
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

/** Returns the application service of a registration. */
export function applicationServiceOf(registration: Registration, senderId: UserId): ApplicationService {
  const { id, url, namespaces, protocols, rate_limited: isRateLimited } = registration;
  return {
    id,
    url: url === null || url === '' ? undefined : url,
    ownToken: registration.as_token,
    serverToken: registration.hs_token,
    senderId,
    isRateLimited: isRateLimited ?? true,
    receivesEphemeral:
      registration.receive_ephemeral ??
      registration['de.sorunome.msc2409.push_ephemeral'] ??
      registration.push_ephemeral ??
      false,
    protocols: protocols ?? [],
    users: new Namespaces(namespaces.users ?? []),
    aliases: new Namespaces(namespaces.aliases ?? []),
    rooms: new Namespaces(namespaces.rooms ?? []),
  };
}
