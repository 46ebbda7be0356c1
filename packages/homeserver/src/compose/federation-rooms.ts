import type { FederationClient } from '../federation/client/federation-client.ts';
import type { KeyRing } from '../federation/keys/key-ring.ts';
import type { Clock } from '../platform/clock.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import { randomText } from '../platform/random.ts';
import { EarlyEvents } from '../rooms/events/early-events.ts';
import { MemberEffects } from '../rooms/events/member-effects.ts';
import { AuthChains } from '../rooms/graph/auth-chains.ts';
import { GraphStates } from '../rooms/graph/graph-states.ts';
import { StateResolution } from '../rooms/graph/state-resolution.ts';
import { StateCompletion } from '../rooms/partial-state/completion.ts';
import { StateResync } from '../rooms/partial-state/state-resync.ts';
import { HeldEvents } from '../rooms/peeking/held-events.ts';
import { RemotePeeks } from '../rooms/peeking/remote-peeks.ts';
import { PolicyApprovals } from '../rooms/policy/policy-approvals.ts';
import { PolicyServers } from '../rooms/policy/policy-servers.ts';
import { RemoteAppender } from '../rooms/receive/append.ts';
import { AuthEvents } from '../rooms/receive/auth-events.ts';
import { EventSignatures } from '../rooms/receive/event-signatures.ts';
import { Gaps } from '../rooms/receive/gaps.ts';
import { Outliers } from '../rooms/receive/outliers.ts';
import { OutsideChanges } from '../rooms/receive/outside-changes.ts';
import { Plans } from '../rooms/receive/plan.ts';
import { Receiver } from '../rooms/receive/receive.ts';
import { ResolutionReports } from '../rooms/receive/resolution-reports.ts';
import { Rules } from '../rooms/receive/rules.ts';
import { Staging } from '../rooms/receive/staging.ts';
import { StateBefore } from '../rooms/receive/state-before.ts';
import { Backfill } from '../rooms/remote/backfill.ts';
import { EventFetcher } from '../rooms/remote/event-fetcher.ts';
import { Handshakes } from '../rooms/remote/handshake.ts';
import { HistoryPages } from '../rooms/remote/history-page.ts';
import { HistoryStates } from '../rooms/remote/history-states.ts';
import { KnownRooms } from '../rooms/remote/known-rooms.ts';
import { MemberRequests } from '../rooms/remote/member-requests.ts';
import { OutsideMembers } from '../rooms/remote/outside-members.ts';
import { OwnEvents } from '../rooms/remote/own-events.ts';
import { RemoteInvites } from '../rooms/remote/remote-invites.ts';
import { RemoteJoins } from '../rooms/remote/remote-join.ts';
import { RemoteRelationships } from '../rooms/remote/remote-relationships.ts';
import { RemoteTimestamps } from '../rooms/remote/remote-timestamps.ts';
import { ServersInRooms } from '../rooms/remote/servers-in-room.ts';
import { Templates } from '../rooms/remote/templates.ts';
import { HistoryNumbers } from '../storage/rooms/events/history-numbers.ts';
import { RoomServers } from '../storage/rooms/room-servers.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';
import { openPeekRequests, type Peeking } from './federation-peeking.ts';

const OPAQUE_ID_LETTERS = 18;

/** The objects of rooms that are shared with other servers. */
export type FederatedRooms = Awaited<ReturnType<typeof openFederatedRooms>>;

/** The domains on which rooms that are shared with other servers are built. */
type RoomDomains = Pick<Domains, 'base' | 'rooms'>;

/** Creates the objects that receive events of other servers and take part in rooms there. */
export async function openFederatedRooms(
  base: FederationBase,
  domains: RoomDomains,
  client: Pick<FederationClient, 'request'>,
  keyRing: Pick<KeyRing, 'find'>,
) {
  const peeks = await RemotePeeks.open(base.database);
  const peeking = { peeks, held: new HeldEvents(), entering: new Serial<string>() };
  const receiving = openReceiving(base, domains, client, { keyRing, peeks });
  const history = await openHistory(base, domains, client, receiving);
  const resync = openResync(base, domains, receiving);
  const remote = openRemoteMemberships(base, domains, client, { ...receiving, peeking, resync });
  const peekRequests = openPeekRequests(base, domains, client, receiving, { ...peeking, ...remote });
  return { ...receiving, ...history, ...remote, peekRequests, resync };
}

/** Creates the objects that check events of other servers and give them a place in their rooms. */
function openReceiving(
  { database, clock, log, metrics }: FederationBase,
  { base, rooms }: RoomDomains,
  client: Pick<FederationClient, 'request'>,
  { keyRing, peeks }: { readonly keyRing: Pick<KeyRing, 'find'>; readonly peeks: RemotePeeks },
) {
  const { names, stream } = base;
  const { events, timelines, states, heads, acceptor, effects, signer, earlyReferences, missingEvents } = rooms;
  const { partialStates } = rooms;
  const { serverName } = signer;
  const roomServers = new RoomServers(database);
  const servers = new ServersInRooms({ heads, names, roomServers }, { partialStates, peeks }, serverName);
  const authChains = new AuthChains(events);
  const graphStates = new GraphStates(states);
  const resolution = new StateResolution({ names, events, states, authChains }, resolutionTimer(metrics, clock));
  const inTurn = new Serial<number>();
  const signatures = new EventSignatures(keyRing, clock);
  const fetcher = new EventFetcher(client);
  const outliers = new Outliers({ names, stream, events, signatures, inTurn });
  const stateBefore = new StateBefore({ states, events, graphStates, resolution, outliers, fetcher });
  const stores = { names, stream, events, states, timelines, rooms: rooms.rooms };
  const earlyEvents = new EarlyEvents({ names, events, references: earlyReferences });
  const appended = { ...stores, graph: { missingEvents, earlyReferences, earlyEvents, roomServers, partialStates } };
  const rules = new Rules(stores);
  const plans = new Plans({ stores: appended, graphStates, resolution, rules });
  const shared = { heads, servers };
  const members = new MemberEffects(effects, roomServers, serverName);
  const appending = { stores: appended, acceptor, effects, members, plans };
  const appender = new RemoteAppender({ ...appending, rooms: shared, reports: new ResolutionReports(log, metrics) });
  const checks = {
    signatures,
    authEvents: new AuthEvents(events, outliers, fetcher),
    rules,
    gaps: new Gaps(events, timelines, fetcher),
  };
  const learning = { states, graphStates, resolution };
  const graphOf = { ...checks, stateBefore, learning };
  const policyServers = new PolicyServers(client, servers);
  acceptor.require(new PolicyApprovals(policyServers, signer));
  const checking = { graph: graphOf, checks: { signatures, policyServers } };
  const receiver = new Receiver({ stores, ...checking, appender, servers, partialStates, inTurn });
  const pdus = { names, events, signer };
  const graph = { authChains, graphStates, learning, resolution, stateBefore, outliers, fetcher, inTurn };
  const received = { missingEvents, earlyReferences, earlyEvents };
  return { ...graph, ...received, roomServers, servers, signatures, checks, members, appender, receiver, pdus };
}

/** Creates the objects that complete partial states. */
function openResync(
  { clock, background, log, metrics }: FederationBase,
  { base, rooms }: RoomDomains,
  { graphStates, resolution, stateBefore, checks, servers, members, appender, pdus, inTurn }: Receiving,
): StateResync {
  const { events, states, timelines, heads, acceptor, partialStates } = rooms;
  const { rules, gaps } = checks;
  const completion = new StateCompletion({
    replaying: { stream: base.stream, events, states, timelines, graphStates, resolution, rules },
    rooms: { store: rooms.rooms, heads, servers },
    partialStates,
    acceptor,
    members,
    appender,
    pdus,
  });
  return new StateResync({
    partialStates,
    rooms: { heads, servers, events },
    graph: { gaps, stateBefore, pdus },
    completion,
    inTurn,
    tools: { stream: base.stream, clock, background, log, metrics },
  });
}

export type Receiving = ReturnType<typeof openReceiving>;

/** Creates the objects that fetch what happened before this server joined a room. */
async function openHistory(
  { database, clock, log }: FederationBase,
  { base, rooms }: RoomDomains,
  client: Pick<FederationClient, 'request'>,
  {
    fetcher,
    servers,
    checks,
    stateBefore,
    graphStates,
    inTurn,
    missingEvents,
    earlyReferences,
    earlyEvents,
  }: Receiving,
) {
  const { events, timelines, states, effects, partialStates } = rooms;
  const numbers = await HistoryNumbers.open(database);
  const pages = new HistoryPages({
    stores: { ...base, events, timelines, states, numbers, graph: { missingEvents, earlyReferences, earlyEvents } },
    graphStates,
    effects,
  });
  const historyStates = new HistoryStates({ events, graphStates, stateBefore, partialStates });
  const tools = { clock, log, inTurn };
  const backfill = new Backfill({ fetcher, servers, missingEvents, checks, states: historyStates, pages, tools });
  const timestamps = new RemoteTimestamps({ client, servers, missingEvents, backfill });
  return { backfill, timestamps, relationships: new RemoteRelationships(client, servers, backfill) };
}

/** Creates the objects that change memberships with the help of other servers. */
function openRemoteMemberships(
  { database, clock, random, log, background, metrics }: FederationBase,
  { base, rooms }: RoomDomains,
  client: Pick<FederationClient, 'request'>,
  {
    servers,
    receiver,
    signatures,
    checks,
    appender,
    outliers,
    stateBefore,
    learning,
    pdus,
    resync,
    peeking,
    inTurn,
  }: Receiving & { readonly resync: StateResync; readonly peeking: Peeking },
) {
  const { names, stream } = base;
  const { events, heads, userRooms, memberships, inviteStates, partialStates, signer } = rooms;
  const { serverName } = signer;
  const templates = new Templates(pdus);
  const ownEvents = new OwnEvents(signer, clock, () => `$${randomText(random, OPAQUE_ID_LETTERS)}:${serverName}`);
  const knownRooms = new KnownRooms({ names, stream, rooms: rooms.rooms, heads });
  const outside = new OutsideMembers({ names, stream, events, memberships, userRooms, inviteStates, inTurn });
  const outsideChanges = new OutsideChanges({ names, events, userRooms, signatures, outside, serverName });
  const storage = { database, stream };
  const { peeks, held, entering } = peeking;
  const staged = { heads, servers, outside: outsideChanges, peeks, held };
  const staging = new Staging({ storage, rooms: staged, receiver, clock, background, log, metrics });
  const own = { events: ownEvents, outside, knownRooms };
  const handshakes = new Handshakes(client, log);
  const room = { appender, receiver, servers, resync, inTurn };
  const graph = { outliers, stateBefore, rules: checks.rules, learning };
  const joins = new RemoteJoins({ entering, handshakes, ownEvents, knownRooms, graph, room, events });
  const invites = new RemoteInvites({ client, receiver, signatures, templates, own, servers });
  const known = { heads, userRooms, events };
  const memberRequests = new MemberRequests({ handshakes, joins, invites, own, rooms: known, servers, partialStates });
  return { templates, staging, invites, handshakes, knownRooms, joins, memberRequests };
}

export type RemoteMembershipParts = ReturnType<typeof openRemoteMemberships>;

/** Returns a function that measures the time of a state resolution. */
function resolutionTimer(metrics: Metrics, clock: Clock): <T>(task: () => Promise<T>) => Promise<T> {
  const help = 'Time of the resolution of several room states into one';
  const histogram = metrics.histogram('hearth_state_resolution_seconds', help, [0.001, 0.01, 0.1, 1, 10]);
  return async (task) => {
    const beganMs = clock.elapsed();
    try {
      return await task();
    } finally {
      histogram.observe((clock.elapsed() - beganMs) / 1_000);
    }
  };
}
