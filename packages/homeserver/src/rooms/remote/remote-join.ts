import { forbidden } from '@hearth/protocol/errors.ts';
import { authEventIds } from '@hearth/protocol/events/event.ts';
import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { knownEdgesOf } from '../graph/known-edges.ts';
import type { Head } from '../head.ts';
import { type LearningParts, withMembersOf } from '../partial-state/learned-members.ts';
import type { StateResync } from '../partial-state/state-resync.ts';
import type { RemoteAppender } from '../receive/append.ts';
import { type IncomingEvent, readIncoming } from '../receive/incoming.ts';
import type { Outliers } from '../receive/outliers.ts';
import type { Receiver } from '../receive/receive.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { Rules } from '../receive/rules.ts';
import type { StateBefore } from '../receive/state-before.ts';
import { type Handshakes, listIn } from './handshake.ts';
import type { KnownRooms } from './known-rooms.ts';
import type { OwnEvents } from './own-events.ts';
import type { ServersInRooms } from './servers-in-room.ts';

interface RemoteJoinsParts {
  /** Lets this server come into a room by one request at a time: a join or a peek. */
  readonly entering: Serial<string>;
  readonly handshakes: Handshakes;
  readonly ownEvents: OwnEvents;
  readonly knownRooms: KnownRooms;
  readonly graph: {
    readonly outliers: Outliers;
    readonly stateBefore: StateBefore;
    readonly rules: Rules;
    readonly learning: LearningParts;
  };
  readonly room: {
    readonly appender: RemoteAppender;
    readonly receiver: Receiver;
    readonly servers: ServersInRooms;
    readonly resync: Pick<StateResync, 'wake'>;
    /** Runs one change of a room's events of other servers at a time. */
    readonly inTurn: Serial<number>;
  };
  readonly events: EventStore;
}

/** The number of servers in a room that are remembered until its members are known. */
const SERVERS_MAX = 10_000;

/** The state of a room in the answer to a join. */
interface JoinedState {
  readonly state: readonly unknown[];
  readonly authChain: readonly unknown[];
  /** The other servers in the room, if the state lacks members. */
  readonly partial: { readonly servers: readonly string[] } | undefined;
}

/** A join of a user of this server in a room on other servers. */
export interface JoinRequest {
  readonly roomId: string;
  readonly userId: string;
  /** The content of the member event. */
  readonly content: JsonObject;
  /** Servers that may be in the room, in the order in which they are tried. */
  readonly servers: readonly string[];
}

/** Joins rooms with the help of servers that are in them (server-server API, "Joining Rooms"). */
export class RemoteJoins {
  readonly #parts: RemoteJoinsParts;
  #onJoined: (head: Head) => Promise<void> = () => Promise.resolve();

  constructor(parts: RemoteJoinsParts) {
    this.#parts = parts;
  }

  /** Calls `listener` when a user of this server has joined a room with the help of another server. */
  onJoined(listener: (head: Head) => Promise<void>): void {
    this.#onJoined = listener;
  }

  /**
   * Joins a room. One join of a room runs at a time.
   * @param isJoined returns whether an earlier join has made this one unnecessary
   * @throws MatrixError
   */
  join(request: JoinRequest, isDone: () => Promise<boolean>): Promise<void> {
    return this.#parts.entering.run(request.roomId, async () => {
      if (await isDone()) return;
      await this.#parts.handshakes.withAny(request.servers, 'join', (server) => this.#joinBy(server, request));
    });
  }

  async #joinBy(server: string, { roomId, userId, content }: JoinRequest): Promise<void> {
    const { handshakes, ownEvents, knownRooms } = this.#parts;
    const template = await handshakes.make(server, 'join', roomId, userId);
    const { version } = template;
    const authoriser = asString(asObject(template.event.content)?.join_authorised_via_users_server);
    const joining = { ...content, ...(authoriser !== undefined && { join_authorised_via_users_server: authoriser }) };
    const sent = ownEvents.member({
      roomId,
      version,
      sender: userId,
      target: userId,
      content: joining,
      place: template.event,
    });
    const answer = await handshakes.send(server, 'join', roomId, sent.eventId, sent.pdu);
    const join = signedBoth(sent, answer, version);
    const state = listIn(answer, 'state');
    checkVersion(state, version);
    const head = await knownRooms.headOf(roomId, version);
    const partial = answer.members_omitted === true ? { servers: this.#serversIn(answer, server) } : undefined;
    const { servers, receiver } = this.#parts.room;
    // Another server has authorised the join of a restricted room that this server is in.
    if (await servers.isLocal(head)) await receiver.receive(head, join.pdu, server);
    else await this.#enter(head, join, { state, authChain: listIn(answer, 'auth_chain'), partial });
    await this.#onJoined(head);
  }

  /** Returns the other servers in a room as the server that has helped with the join names them, that server first. */
  #serversIn(answer: JsonObject, helper: string): string[] {
    const { serverName } = this.#parts.ownEvents;
    const named = listIn(answer, 'servers_in_room').filter(
      (server) => typeof server === 'string' && server !== serverName && parseServerName(server) !== undefined,
    );
    return [...new Set([helper, ...(named as string[])])].slice(0, SERVERS_MAX);
  }

  /** Stores the state of the room, and the join as the first event of its timeline here. */
  async #enter(head: Head, join: IncomingEvent, { state, authChain, partial }: JoinedState): Promise<void> {
    const { events } = this.#parts;
    const { outliers, stateBefore, rules, learning } = this.#parts.graph;
    const { version } = head;
    const stored = await outliers.store(head, [...authChain, ...state] as JsonObject[]);
    const ids = new Set(state.flatMap((value) => readIncoming(value as JsonObject, version).incoming?.eventId ?? []));
    const stateEvents = [...ids].flatMap((eventId) => stored.get(eventId) ?? []);
    const answered = await stateBefore.treeOf(head, stateEvents);
    const { auth, prev, missing } = await knownEdgesOf(events, join.pdu, version);
    if (auth.length < authEventIds(join.pdu, version).length)
      throw new NotReceived('the answer lacks auth events of the join', true);
    const before = partial === undefined ? answered : await withMembersOf(learning, version, answered, auth);
    const refusal = await rules.refusal(head, join, { auth, before });
    if (refusal !== undefined) throw forbidden(`The room does not permit the join: ${refusal}`);
    const { appender, servers, inTurn } = this.#parts.room;
    await inTurn.run(head.num, async () => {
      // The join may have arrived by a peek meanwhile.
      if (await servers.isLocal(head)) return;
      const outlier = await events.byId(join.eventId);
      const placed = {
        incoming: join,
        prev,
        missing,
        auth,
        before,
        isRejected: false,
        outlier,
        isFirst: true,
        partial,
      };
      await appender.append(head, placed);
    });
    if (partial !== undefined) this.#parts.room.resync.wake(head.num);
  }
}

/** Returns the join, with the signature of the server that has authorised it for a restricted room. */
function signedBoth(sent: IncomingEvent, answer: JsonObject, version: RoomVersion): IncomingEvent {
  const event = asObject(answer.event);
  if (event === undefined) return sent;
  const { incoming } = readIncoming(event, version);
  return incoming?.eventId === sent.eventId ? incoming : sent;
}

/** @throws NotReceived if the state has no create event of the room's version */
function checkVersion(state: readonly unknown[], version: RoomVersion): void {
  const create = state.map((value) => asObject(value)).find((event) => event?.type === 'm.room.create');
  const stated = asString(asObject(create?.content)?.room_version) ?? '1';
  if (create === undefined || stated !== version.id)
    throw new NotReceived('the answer has no create event of the version of the template', true);
}
