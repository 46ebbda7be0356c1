import { OpenIdTokens } from '../openid/openid-tokens.ts';
import { Reports } from '../reports/reports.ts';
import { Purge } from '../retention/purge.ts';
import { RoomPolicies } from '../retention/room-policies.ts';
import type { MessageIndex } from '../storage/search/message-index.ts';
import { ThreadSubscriptions } from '../thread-subscriptions/thread-subscriptions.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';
import type { Timeline } from './timeline.ts';
import type { Users } from './users.ts';

interface ServedDomains {
  readonly users: Users;
  readonly rooms: Rooms;
  readonly timeline: Timeline;
}

export type Services = ReturnType<typeof openServices>;

/** Creates the services besides rooms: reports, OpenID tokens, thread subscriptions, deletion of old messages. */
export function openServices(base: Base, domains: ServedDomains, messageIndex: MessageIndex) {
  const { database, names, stream, clock, random, background } = base;
  const { events, states, rooms, membership } = domains.rooms;
  const { retention, readable } = domains.timeline;
  const { accounts, accountChanges } = domains.users;
  const reports = new Reports({ database, clock, random, membership, events, accounts });
  const openIdTokens = new OpenIdTokens({ database, names, clock, random });
  const threadSubscriptions = new ThreadSubscriptions(database, stream, readable);
  const policies = new RoomPolicies({ names, events, states, rooms, retention });
  const purge = new Purge({ database, events, policies, messageIndex, background });
  accountChanges.onDeactivated((user) => openIdTokens.forget(user));
  accountChanges.onDeactivated((user) => threadSubscriptions.forget(user));
  return { reports, openIdTokens, threadSubscriptions, purge };
}
