import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import type { Pdu, PduDraft } from '@hearth/protocol/events/event.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import { signPdu } from '@hearth/protocol/signing/pdu.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';
import { references } from '../../src/rooms/events/build.ts';
import { EarlyEvents } from '../../src/rooms/events/early-events.ts';
import { EventEffects } from '../../src/rooms/events/effects.ts';
import { MemberEffects } from '../../src/rooms/events/member-effects.ts';
import { AuthChains } from '../../src/rooms/graph/auth-chains.ts';
import { GraphStates } from '../../src/rooms/graph/graph-states.ts';
import { StateResolution } from '../../src/rooms/graph/state-resolution.ts';
import type { Head } from '../../src/rooms/head.ts';
import { RemoteAppender } from '../../src/rooms/receive/append.ts';
import { readIncoming } from '../../src/rooms/receive/incoming.ts';
import { type PlacedEvent, Plans } from '../../src/rooms/receive/plan.ts';
import { ResolutionReports } from '../../src/rooms/receive/resolution-reports.ts';
import { Rules } from '../../src/rooms/receive/rules.ts';
import { ServersInRooms } from '../../src/rooms/remote/servers-in-room.ts';
import { Templates } from '../../src/rooms/remote/templates.ts';
import { EarlyReferences } from '../../src/storage/rooms/events/early-references.ts';
import { MissingEvents } from '../../src/storage/rooms/events/missing-events.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { RoomServers } from '../../src/storage/rooms/room-servers.ts';
import { NO_PEEKS } from './no-peeks.ts';
import type { World } from './world.ts';

/** The key of all other servers in these tests. */
const REMOTE_KEY = signingKeyFromSeed(new Uint8Array(32).fill(7), 'ed25519:remote');

/** An event of another server, without the members that follow from its place in the room. */
export interface RemoteDraft {
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly stateKey?: string;
  /** The events that it follows; by default the forward extremities. */
  readonly prev?: readonly StoredEvent[];
  readonly isRejected?: boolean;
}

/** Appends events of other servers to the rooms of a world, without the checks of their signatures. */
export class RemoteEvents {
  readonly servers: ServersInRooms;
  readonly templates: Templates;
  readonly graphStates: GraphStates;
  readonly authChains: AuthChains;
  readonly #world: World;
  #count = 0;
  readonly #appender: RemoteAppender;

  constructor(world: World) {
    const { database, names, stream, events, states, rooms, heads, partialStates } = world;
    this.#world = world;
    const roomServers = new RoomServers(database);
    this.servers = new ServersInRooms({ heads, names, roomServers }, { partialStates, peeks: NO_PEEKS }, 'test.local');
    this.templates = new Templates(world);
    this.graphStates = new GraphStates(states);
    this.authChains = new AuthChains(events);
    const earlyReferences = new EarlyReferences(database);
    const stores = {
      names,
      stream,
      events,
      states,
      rooms,
      graph: {
        missingEvents: new MissingEvents(database),
        earlyReferences,
        earlyEvents: new EarlyEvents({ names, events, references: earlyReferences }),
        roomServers,
        partialStates,
      },
    };
    const effects = new EventEffects(world);
    const resolution = new StateResolution({ names, events, states, authChains: this.authChains });
    this.#appender = new RemoteAppender({
      stores,
      acceptor: world.acceptor,
      effects,
      members: new MemberEffects(effects, roomServers, 'test.local'),
      plans: new Plans({ stores, graphStates: this.graphStates, resolution, rules: new Rules(world) }),
      rooms: { heads: world.heads, servers: this.servers },
      reports: new ResolutionReports(silentLog, noMetrics),
    });
  }

  /** Builds and signs an event that continues a room. */
  async build(head: Head, draft: RemoteDraft): Promise<{ readonly pdu: Pdu; readonly auth: StoredEvent[] }> {
    const { type, sender, content, stateKey, prev = head.extremities } = draft;
    const { version, roomId } = head;
    const auth = await head.states(
      authEventKeys({ type, sender, content, ...(stateKey !== undefined && { stateKey }) }, version),
    );
    const server = domainOf(sender) ?? '';
    this.#count += 1;
    const pdu: PduDraft = {
      ...(version.eventIdFormat === 'v1' && { event_id: `$remote${this.#count}:${server}` }),
      auth_events: references(auth, version),
      content,
      depth: Math.max(0, ...prev.map(({ depth }) => depth)) + 1,
      origin_server_ts: this.#world.clock.now(),
      prev_events: references(prev, version),
      room_id: roomId,
      sender,
      ...(stateKey !== undefined && { state_key: stateKey }),
      type,
    };
    return { pdu: signPdu(pdu, version, server, REMOTE_KEY), auth };
  }

  /** Appends an event to a room. */
  async append(head: Head, draft: RemoteDraft): Promise<StoredEvent> {
    const { pdu, auth } = await this.build(head, draft);
    return this.place(head, pdu, auth, draft);
  }

  /** Appends a built event to a room. */
  async place(
    head: Head,
    pdu: Pdu,
    auth: readonly StoredEvent[],
    { prev = head.extremities, isRejected = false }: Pick<RemoteDraft, 'prev' | 'isRejected'> = {},
  ): Promise<StoredEvent> {
    const { incoming, refusal } = readIncoming(pdu, head.version);
    if (incoming === undefined) throw new Error(refusal);
    const [first] = prev;
    const before = first === undefined ? undefined : await this.graphStates.after(first);
    if (before === undefined) throw new Error('the event needs an event before it');
    const placed: PlacedEvent = { incoming, prev, missing: [], auth, before, isRejected, outlier: undefined };
    return this.#appender.append(head, placed);
  }

  join(head: Head, userId: string): Promise<StoredEvent> {
    return this.append(head, {
      type: 'm.room.member',
      sender: userId,
      stateKey: userId,
      content: { membership: 'join' },
    });
  }

  say(head: Head, sender: string, body: string): Promise<StoredEvent> {
    return this.append(head, { type: 'm.room.message', sender, content: { msgtype: 'm.text', body } });
  }
}
