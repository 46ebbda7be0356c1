import type { Config } from '../config/schema.ts';
import { ServedHierarchy } from '../directory/served-hierarchy.ts';
import type { FederationClient } from '../federation/client/federation-client.ts';
import { exchangeThirdPartyInviteRoutes } from '../federation-api/room-membership/exchange-third-party-invite.ts';
import { federatedInviteRoutes } from '../federation-api/room-membership/invite.ts';
import { makeJoinRoutes } from '../federation-api/room-membership/make-join.ts';
import { makeKnockRoutes } from '../federation-api/room-membership/make-knock.ts';
import { makeLeaveRoutes } from '../federation-api/room-membership/make-leave.ts';
import { onBindRoutes } from '../federation-api/room-membership/onbind.ts';
import { sendJoinRoutes } from '../federation-api/room-membership/send-join.ts';
import { sendKnockRoutes } from '../federation-api/room-membership/send-knock.ts';
import { sendLeaveRoutes } from '../federation-api/room-membership/send-leave.ts';
import { backfillRoutes } from '../federation-api/rooms/backfill.ts';
import { servedEventRoutes } from '../federation-api/rooms/event.ts';
import { eventAuthRoutes } from '../federation-api/rooms/event-auth.ts';
import { servedRelationshipsRoutes } from '../federation-api/rooms/event-relationships.ts';
import { missingEventsRoutes } from '../federation-api/rooms/get-missing-events.ts';
import { servedHierarchyRoutes } from '../federation-api/rooms/hierarchy.ts';
import { servedStateRoutes } from '../federation-api/rooms/state.ts';
import { servedStateIdsRoutes } from '../federation-api/rooms/state-ids.ts';
import { servedTimestampRoutes } from '../federation-api/rooms/timestamp-to-event.ts';
import type { Route } from '../http/route.ts';
import type { PeekingServers } from '../rooms/peeking/peeking-servers.ts';
import { ServedPeeks } from '../rooms/peeking/served-peeks.ts';
import { AskingServers } from '../rooms/serving/asking-servers.ts';
import { HeavyRequests } from '../rooms/serving/heavy-requests.ts';
import { MemberTemplates } from '../rooms/serving/member-templates.ts';
import { PduTexts } from '../rooms/serving/pdu-texts.ts';
import { ReceivedInvites } from '../rooms/serving/received-invites.ts';
import { type AlsoSend, ReceivedMembers } from '../rooms/serving/received-members.ts';
import { RestrictedGrants } from '../rooms/serving/restricted-grants.ts';
import { ServedEvents } from '../rooms/serving/served-events.ts';
import { ServedHistory } from '../rooms/serving/served-history.ts';
import { ServedJoins } from '../rooms/serving/served-joins.ts';
import { ServedRelationships } from '../rooms/serving/served-relationships.ts';
import { ServedState } from '../rooms/serving/served-state.ts';
import { ServerVisibility } from '../rooms/serving/server-visibility.ts';
import { ThirdPartyInvites } from '../rooms/serving/third-party-invites.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';
import type { FederatedRooms } from './federation-rooms.ts';
import type { Rooms } from './rooms.ts';
import type { Users } from './users.ts';

/** The domains whose data other servers may ask for. */
interface ServedDomains {
  readonly names: Names;
  readonly rooms: Rooms;
  readonly users: Pick<Users, 'erasedUsers'>;
}

/** The objects of shared rooms that questions need. */
type GraphParts = Pick<FederatedRooms, 'servers' | 'graphStates' | 'authChains'>;
/** The objects of shared rooms that members of other servers need. */
export type MemberParts = Pick<FederatedRooms, 'servers' | 'templates' | 'signatures' | 'receiver' | 'invites'> & {
  readonly alsoSend: AlsoSend;
  readonly client: FederationClient;
};

/** Creates the objects that answer questions of other servers about rooms. */
export function openServing(
  { clock }: Pick<FederationBase, 'clock'>,
  { names, rooms, users }: ServedDomains,
  { servers, graphStates, authChains }: GraphParts,
) {
  const { events, states, timelines, heads, memberships, relations, partialStates, signer } = rooms;
  const { serverName } = signer;
  const { erasedUsers } = users;
  const visibility = new ServerVisibility({ names, events, states, memberships, erasedUsers });
  const asking = new AskingServers({ heads, servers, events, visibility, partialStates });
  const texts = new PduTexts({ names, events, signer });
  const heavy = new HeavyRequests();
  const sources = { events, states, graphStates, authChains };
  const stores = { events, timelines };
  return {
    asking,
    texts,
    heavy,
    sources,
    events: new ServedEvents({ asking, stores, visibility, texts, serverName, clock }),
    relationships: new ServedRelationships({ asking, events, relations, authChains, visibility, texts, heavy }),
    history: new ServedHistory({ asking, stores, visibility, texts, heavy, serverName, clock }),
    state: new ServedState({ asking, sources, visibility, texts, heavy }),
  };
}

export type Serving = ReturnType<typeof openServing>;

/** Creates the objects that let users of other servers join, knock and leave. */
function openMembers(
  { clock }: Pick<FederationBase, 'clock'>,
  { base: { names }, rooms }: Domains,
  { servers, templates, signatures, receiver, alsoSend }: MemberParts,
  { asking, texts, heavy, sources }: Serving,
) {
  const { heads, memberships, signer, restrictedJoins } = rooms;
  const { serverName } = signer;
  const grants = new RestrictedGrants({ names, heads, servers, restrictedJoins });
  const received = new ReceivedMembers({ asking, grants, signatures, signer, receiver, templates, alsoSend });
  return {
    received,
    joins: new ServedJoins({ received, sources, names, memberships, servers, texts, heavy }),
    memberTemplates: new MemberTemplates({ asking, grants, templates, serverName, clock }),
  };
}

/** Creates the receivers of invites of users of this server and of third-party identifiers. */
function openInvites(
  { federation }: Config,
  { log }: Pick<FederationBase, 'log'>,
  { users, userData, rooms, applicationServices }: Domains,
  { servers, signatures, invites, client }: MemberParts,
  { asking }: Serving,
) {
  const { heads, acceptor, signer } = rooms;
  const { serverName } = signer;
  const createsUser = (userId: string) => applicationServices.questions.createsUser(userId);
  const isActive = async (userId: string) =>
    (await users.accounts.findOrCreate(userId, createsUser))?.isDeactivated === false;
  const blocksInvites = (userId: string, inviter: string) => userData.invitePermission.blocks(userId, inviter);
  return {
    receivedInvites: new ReceivedInvites({
      rooms: { heads, servers },
      signatures,
      signer,
      users: { isActive, blocksInvites },
      invites,
      isStateStrict: federation.strict_invite_state,
    }),
    thirdPartyInvites: new ThirdPartyInvites({
      asking,
      rooms: { heads, acceptor },
      invites,
      client,
      isActive,
      serverName,
      log,
    }),
  };
}

/** The time after which peeks are ended that were not renewed. */
const PEEKS_EXPIRE_EVERY_MS = 5 * 60_000;

/** Creates the object that lets other servers peek into rooms. */
export function openPeeks(
  { clock, background, metrics }: Pick<FederationBase, 'clock' | 'background' | 'metrics'>,
  { heads }: Rooms,
  peeking: PeekingServers,
  { asking, sources, texts, heavy }: Serving,
): ServedPeeks {
  const peeks = new ServedPeeks({ asking, heads, peeking, sources, texts, heavy, clock });
  const help = 'Peeks of other servers into rooms of this one';
  metrics.gauge('hearth_federation_peeking_servers', help, () => peeking.count);
  background.every(PEEKS_EXPIRE_EVERY_MS, 'ending peeks of other servers', () => peeks.expire());
  return peeks;
}

/** Returns the routes of the folders `federation/room-membership` and `federation/rooms`. */
export function servingRoutes(
  config: Config,
  base: Pick<FederationBase, 'clock' | 'log'>,
  domains: Domains,
  shared: GraphParts & MemberParts,
  serving: Serving,
): Route[] {
  const { events, relationships, history, state } = serving;
  const { joins, received, memberTemplates } = openMembers(base, domains, shared, serving);
  const { receivedInvites, thirdPartyInvites } = openInvites(config, base, domains, shared, serving);
  const { summaries } = domains.directory;
  const { heads } = domains.rooms;
  const hierarchy = new ServedHierarchy({ heads, servers: shared.servers, summaries, heavy: serving.heavy });
  return [
    ...exchangeThirdPartyInviteRoutes(thirdPartyInvites),
    ...federatedInviteRoutes(receivedInvites),
    ...makeJoinRoutes(memberTemplates),
    ...makeKnockRoutes(memberTemplates),
    ...makeLeaveRoutes(memberTemplates),
    ...onBindRoutes(thirdPartyInvites),
    ...sendJoinRoutes(joins),
    ...sendKnockRoutes(received),
    ...sendLeaveRoutes(received),
    ...backfillRoutes(history),
    ...eventAuthRoutes(state),
    ...servedRelationshipsRoutes(relationships),
    ...servedEventRoutes(events),
    ...missingEventsRoutes(history),
    ...servedHierarchyRoutes(hierarchy),
    ...servedStateIdsRoutes(state),
    ...servedStateRoutes(state),
    ...servedTimestampRoutes(events),
  ];
}
