import { authEventIds } from '@hearth/protocol/events/event.ts';
import { asArray, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { verifyKey } from '@hearth/protocol/signing/ed25519.ts';
import { SimDatabase } from '../../../../tests/simulation/sim-database.ts';
import { Dice } from '../../../../tests/support/dice.ts';
import { openFederatedRooms } from '../../src/compose/federation-rooms.ts';
import type { FederationRequest } from '../../src/federation/client/federation-client.ts';
import { FederationError } from '../../src/federation/client/federation-error.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';
import type { Head } from '../../src/rooms/head.ts';
import { readIncoming } from '../../src/rooms/receive/incoming.ts';
import { KnownRooms } from '../../src/rooms/remote/known-rooms.ts';
import { STANDING, type StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { readCompletedStates } from '../../src/storage/rooms/partial-joins.ts';
import type { NodeRef } from '../../src/storage/state/state-node.ts';
import { entries } from '../../src/storage/state/state-tree.ts';
import { type EventGraph, GRAPH_KEY, type GraphEvent } from './event-graph.ts';
import { openWorld } from './world.ts';

/** The maximum number of events of a room whose positions are computed. */
const POSITIONS_MAX = 1_000;

/** A database in memory. */
const IN_MEMORY = {
  name: 'in memory',
  async open() {
    const database = await SimDatabase.open(new Dice(1), { readTurnsMax: 0, commitTurnsMax: 0 });
    return { database, end: () => database.close() };
  },
};

export type ReceivingWorld = Awaited<ReturnType<typeof openReceivingWorld>>;

/**
 * Rooms that receive the events of graphs. The servers of the graph answer questions about it.
 * @param answers returns whether a server answers
 */
export async function openReceivingWorld(answers: (server: string) => boolean = () => true) {
  const world = await openWorld(IN_MEMORY);
  const { database, clock, random, background } = world;
  const graphs = new Map<string, EventGraph>();
  const base = { database, clock, random, background, log: silentLog, metrics: noMetrics };
  const client = {
    async request(server: string, request: FederationRequest) {
      if (!answers(server)) throw notFound();
      return answer(graphs, request);
    },
  };
  const key = verifyKey(GRAPH_KEY.publicKey);
  const keyRing = { find: async () => key };
  const federated = await openFederatedRooms(base, { base: world, rooms: world }, client, keyRing);
  const knownRooms = new KnownRooms(world);
  /** Returns a state as sorted lines of text. */
  const linesOf = async (root: NodeRef): Promise<string[]> => {
    await world.states.loadAll([root]);
    const events = await world.events.list(entries(root).map(({ event }) => event));
    return events.map(({ type, stateKey, eventId }) => `${type}\0${stateKey}=${eventId}`).sort();
  };
  /** Returns the numbers of the member events in a state, by user. */
  const membersIn = async (root: NodeRef): Promise<ReadonlyMap<number, number>> => {
    await world.states.loadAll([root]);
    const type = await world.names.num('m.room.member');
    return new Map(entries(root).flatMap((entry) => (entry.type === type ? [[entry.stateKey, entry.event]] : [])));
  };
  return {
    ...world,
    ...federated,
    linesOf,
    /**
     * Enters the room of a graph by its last opening event.
     * @param isPartial whether the answer to the join has no members, except those that its auth events name
     */
    async enter(graph: EventGraph, isPartial = false): Promise<Head> {
      graphs.set(graph.roomId, graph);
      const { version, roomId, opening, entry } = graph;
      const head = await knownRooms.headOf(roomId, version);
      const stored = await federated.outliers.store(
        head,
        opening.slice(0, -1).map(({ pdu }) => pdu),
      );
      const answered = [...stored.values()].filter(({ type }) => !isPartial || type !== 'm.room.member');
      const { incoming, refusal } = readIncoming(entry.pdu, version);
      if (incoming === undefined) throw new Error(refusal);
      const auth = authEventIds(entry.pdu, version).flatMap((eventId) => stored.get(eventId) ?? []);
      const before = await federated.stateBefore.treeOf(head, answered);
      const placed = { incoming, prev: [], missing: entry.prev, auth, before, isRejected: false, outlier: undefined };
      const partial = isPartial ? { servers: ['a.test', 'b.test', 'c.test'] } : undefined;
      await federated.appender.append(head, { ...placed, isFirst: true, partial });
      return head;
    },
    /** Fetches the whole state of a room that was entered without it. */
    async complete(head: Head): Promise<void> {
      federated.resync.wake(head.num);
      await world.partialStates.whole(head.num);
    },
    receive(head: Head, { pdu }: GraphEvent): Promise<StoredEvent> {
      return federated.receiver.receive(head, pdu, 'a.test');
    },
    /** Returns the state before an event of a graph by its place there, as lines of text. */
    async stateBeforeEvent({ eventId }: GraphEvent): Promise<string[] | undefined> {
      const event = await world.events.byId(eventId);
      if (event === undefined || event.standing === STANDING.outlier) return undefined;
      const root = await federated.graphStates.before(event);
      return root === undefined ? undefined : linesOf(root);
    },
    /** Returns the joined users of a room, as the head counts them and as the table of memberships has them. */
    async joinedUsers(head: Head): Promise<{ readonly inHead: string[]; readonly inTable: string[] }> {
      const ofHead = await world.names.texts(head.joined);
      const stored = (await world.memberships.joined([head.num])).get(head.num) ?? [];
      const ofTable = await world.names.texts(stored);
      return { inHead: [...ofHead.values()].sort(), inTable: [...ofTable.values()].sort() };
    },
    /**
     * Returns the positions at which the memberships of a room have changed, by user: as they are stored, and as they follow
     * from the states after the events of the timeline. `completed` is the position at which the state became whole.
     */
    async positions(head: Head) {
      const timeline = { room: head.num, after: 0, upTo: Number.MAX_SAFE_INTEGER };
      const events = await world.events.list(await world.timelines.page(timeline, false, POSITIONS_MAX));
      const roots = await world.states.snapshots(events.map(({ snapshotAfter }) => snapshotAfter));
      const inStates = new Map<number, number>();
      let before: ReadonlyMap<number, number> = new Map();
      for (const { num, snapshotAfter } of events) {
        const root = roots.get(snapshotAfter);
        if (root === undefined) throw new Error('the state after an event is missing');
        const after = await membersIn(root);
        for (const user of [...before.keys(), ...after.keys()])
          if (before.get(user) !== after.get(user)) inStates.set(user, num);
        before = after;
      }
      const rows = await world.memberships.moved([head.num], 0);
      const completed = (await readCompletedStates(database, 0)).get(head.num);
      return { stored: new Map(rows.map(({ user, position }) => [user, position])), inStates, completed };
    },
  };
}

/** Answers a request of a server about the graphs, as the other servers in a room do. */
function answer(graphs: ReadonlyMap<string, EventGraph>, { path, content }: FederationRequest): JsonObject {
  const [name = '', ...rest] = path.slice('/_matrix/federation/v1/'.length).split(/[/?]/);
  const [first = '', second = ''] = rest.map(decodeURIComponent);
  if (name === 'event') {
    const found = [...graphs.values()].flatMap(({ events }) => events.get(first)?.pdu ?? []);
    if (found.length === 0) throw notFound();
    return { pdus: found };
  }
  const graph = graphs.get(first);
  if (graph === undefined) throw notFound();
  const pdus = (eventIds: Iterable<string>) => [...eventIds].map((eventId) => graph.event(eventId).pdu);
  if (name === 'event_auth') return { auth_chain: pdus(graph.authChain([second])) };
  if (name === 'get_missing_events') return { events: pdus(missing(graph, content ?? {})) };
  const eventId = new URLSearchParams(path.split('?')[1]).get('event_id') ?? '';
  const state = [...graph.event(eventId).before.values()];
  const chain = graph.authChain(state);
  if (name === 'state_ids') return { pdu_ids: state, auth_chain_ids: [...chain] };
  if (name === 'state') return { pdus: pdus(state), auth_chain: pdus(chain) };
  throw notFound();
}

/** Returns the ids of events between others, oldest first. */
function missing(graph: EventGraph, { earliest_events: earliest, latest_events: latest, limit }: JsonObject): string[] {
  const seen = new Set(asArray(earliest)?.map((id) => asString(id) ?? ''));
  const found: string[] = [];
  let level = (asArray(latest) ?? []).flatMap((id) => asString(id) ?? []);
  while (level.length > 0 && found.length < Number(limit)) {
    const next = level.flatMap((id) => graph.event(id).prev).filter((id) => !seen.has(id));
    level = [...new Set(next)];
    for (const id of level) seen.add(id);
    found.push(...level);
  }
  return found.slice(0, Number(limit)).reverse();
}

function notFound(): FederationError {
  return new FederationError('refused', 'not found', { status: 404, errcode: 'M_NOT_FOUND' });
}
