import type { FederationClient } from '../federation/client/federation-client.ts';
import type { KeyRing } from '../federation/keys/key-ring.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import { randomText } from '../platform/random.ts';
import { AuthChains } from '../rooms/graph/auth-chains.ts';
import { GraphStates } from '../rooms/graph/graph-states.ts';
import { StateResolution } from '../rooms/graph/state-resolution.ts';
import { RemoteAppender } from '../rooms/receive/append.ts';
import { AuthEvents } from '../rooms/receive/auth-events.ts';
import { EventSignatures } from '../rooms/receive/event-signatures.ts';
import { Gaps } from '../rooms/receive/gaps.ts';
import { Outliers } from '../rooms/receive/outliers.ts';
import { OutsideChanges } from '../rooms/receive/outside-changes.ts';
import { Receiver } from '../rooms/receive/receive.ts';
import { Rules } from '../rooms/receive/rules.ts';
import { Staging } from '../rooms/receive/staging.ts';
import { StateBefore } from '../rooms/receive/state-before.ts';
import { Backfill } from '../rooms/remote/backfill.ts';
import { EventFetcher } from '../rooms/remote/event-fetcher.ts';
import { Handshakes } from '../rooms/remote/handshake.ts';
import { HistoryPages } from '../rooms/remote/history-page.ts';
import { KnownRooms } from '../rooms/remote/known-rooms.ts';
import { MemberRequests } from '../rooms/remote/member-requests.ts';
import { OutsideMembers } from '../rooms/remote/outside-members.ts';
import { OwnEvents } from '../rooms/remote/own-events.ts';
import { RemoteInvites } from '../rooms/remote/remote-invites.ts';
import { RemoteJoins } from '../rooms/remote/remote-join.ts';
import { RemoteTimestamps } from '../rooms/remote/remote-timestamps.ts';
import { ServersInRooms } from '../rooms/remote/servers-in-room.ts';
import { Templates } from '../rooms/remote/templates.ts';
import { HistoryNumbers } from '../storage/rooms/events/history-numbers.ts';
import { RoomServers } from '../storage/rooms/room-servers.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';

const OPAQUE_ID_LETTERS = 18;

/** The objects of rooms that are shared with other servers. */
export type FederatedRooms = Awaited<ReturnType<typeof openFederatedRooms>>;

/** Creates the objects that receive events of other servers and take part in rooms there. */
export async function openFederatedRooms(
  { database, clock, random, log, background }: FederationBase,
  { base, rooms }: Domains,
  client: FederationClient,
  keyRing: KeyRing,
) {
  const { names, stream } = base;
  const { events, states, heads, acceptor, effects, userRooms, memberships, signer } = rooms;
  const { earlyRedactions, missingEvents } = rooms;
  const { serverName } = signer;
  const roomServers = new RoomServers(database);
  const numbers = await HistoryNumbers.open(database);
  const servers = new ServersInRooms(heads, names, roomServers, serverName);
  const authChains = new AuthChains(events);
  const graphStates = new GraphStates(states);
  const resolution = new StateResolution({ names, events, states, authChains });
  const inTurn = new Serial<number>();
  const signatures = new EventSignatures(keyRing, clock);
  const fetcher = new EventFetcher(client);
  const outliers = new Outliers({ names, stream, events, signatures, inTurn });
  const stateBefore = new StateBefore({ states, events, graphStates, resolution, outliers, fetcher });
  const stores = { names, stream, events, states, rooms: rooms.rooms, relations: rooms.relations };
  const appender = new RemoteAppender({
    stores: { ...stores, graph: { missingEvents, earlyRedactions, roomServers } },
    acceptor,
    effects,
    graphStates,
    resolution,
    serverName,
  });
  const authEvents = new AuthEvents(events, outliers, fetcher);
  const rules = new Rules(stores);
  const graph = { gaps: new Gaps(events, fetcher), stateBefore, authEvents, rules };
  const receiver = new Receiver({ stores, signatures, graph, appender, inTurn });
  const pages = new HistoryPages({
    stores: { names, stream, events, states, missingEvents, numbers },
    graphStates,
    effects,
  });
  const backfill = new Backfill({
    fetcher,
    servers,
    missingEvents,
    checks: { signatures, authEvents, rules, gaps: graph.gaps },
    stateBefore,
    pages,
    tools: { clock, log, inTurn },
  });
  const pdus = { names, events, signer };
  const templates = new Templates(pdus);
  const ownEvents = new OwnEvents(signer, clock, () => `$${randomText(random, OPAQUE_ID_LETTERS)}:${serverName}`);
  const knownRooms = new KnownRooms({ names, stream, rooms: rooms.rooms, heads });
  const { inviteStates } = rooms;
  const outside = new OutsideMembers({ names, stream, events, memberships, userRooms, inviteStates });
  const outsideChanges = new OutsideChanges({ names, events, userRooms, signatures, outside, serverName });
  const storage = { database, stream };
  const staged = { heads, servers, outside: outsideChanges };
  const staging = new Staging({ storage, rooms: staged, receiver, clock, background, log });
  const own = { events: ownEvents, outside, knownRooms };
  const handshakes = new Handshakes(client, log);
  const room = { appender, receiver, servers };
  const joins = new RemoteJoins({ handshakes, ownEvents, knownRooms, outliers, stateBefore, room, events });
  const invites = new RemoteInvites({ client, receiver, signatures, templates, own, servers });
  const memberRequests = new MemberRequests({
    handshakes,
    joins,
    invites,
    own,
    rooms: { heads, userRooms, events },
    servers,
  });
  return {
    pdus,
    servers,
    roomServers,
    missingEvents,
    authChains,
    graphStates,
    signatures,
    fetcher,
    outliers,
    stateBefore,
    receiver,
    staging,
    templates,
    invites,
    memberRequests,
    backfill,
    timestamps: new RemoteTimestamps({ client, servers, missingEvents, backfill }),
  };
}
