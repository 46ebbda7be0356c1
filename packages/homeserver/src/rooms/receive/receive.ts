import { prevEventIds } from '@hearth/protocol/events/event.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { lookup } from '../../storage/state/state-tree.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import { type LearningParts, withMembersOf } from '../partial-state/learned-members.ts';
import type { PartialRoom, PartialStates } from '../partial-state/partial-states.ts';
import type { PolicyServers } from '../policy/policy-servers.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import { aclPermits } from './acl.ts';
import type { AppendedEvent, RemoteAppender } from './append.ts';
import type { AuthEvents } from './auth-events.ts';
import type { EventSignatures } from './event-signatures.ts';
import type { Gaps } from './gaps.ts';
import { type IncomingEvent, readIncoming } from './incoming.ts';
import type { PlacedEvent } from './plan.ts';
import { NotReceived } from './receive-error.ts';
import type { Rules } from './rules.ts';
import type { StateBefore } from './state-before.ts';

export interface ReceiverStores {
  readonly events: EventStore;
  readonly states: StateStore;
  readonly timelines: TimelineStore;
}

export interface ReceiverParts {
  readonly stores: ReceiverStores;
  readonly checks: { readonly signatures: EventSignatures; readonly policyServers: PolicyServers };
  readonly graph: {
    readonly gaps: Gaps;
    readonly stateBefore: StateBefore;
    readonly learning: LearningParts;
    readonly authEvents: AuthEvents;
    readonly rules: Rules;
  };
  readonly appender: RemoteAppender;
  readonly servers: ServersInRooms;
  readonly partialStates: PartialStates;
  /** Runs one change of a room's events of other servers at a time. */
  readonly inTurn: Serial<number>;
}

/** The place of an event in the graph, and the state there. */
interface Place {
  readonly prev: readonly StoredEvent[];
  readonly missing: readonly string[];
  readonly before: BuiltState;
}

/** Receives events of other servers (server-server API, "Checks performed on receipt of a PDU"). */
export class Receiver {
  readonly #parts: ReceiverParts;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
  }

  /**
   * Processes an event that a server has sent, after the events before it that this server does not have. Returns the
   * event with its standing when it is on disk.
   * @throws NotReceived, FederationError
   */
  async receive(head: Head, value: JsonValue, server: string): Promise<StoredEvent> {
    const { incoming, refusal } = readIncoming(value, head.version);
    if (refusal !== undefined) throw new NotReceived(refusal, true);
    const { event, stored } = await this.decide(head, incoming, server);
    await stored;
    return event;
  }

  /**
   * Processes an event as {@link receive}. Resolves when the next event of the room can be processed.
   * @throws NotReceived, FederationError
   */
  async decide(head: Head, incoming: IncomingEvent, server: string): Promise<AppendedEvent> {
    if (incoming.roomId !== head.roomId) throw new NotReceived('the event belongs to another room', true);
    const known = await this.#placed(head, incoming.eventId);
    if (known !== undefined) return { event: known, stored: head.pending };
    await this.#checkSender(head, incoming);
    const { gaps } = this.#parts.graph;
    const absent = await gaps.unplaced(prevEventIds(incoming.pdu, head.version));
    if (absent.length > 0 && head.extremities.length > 0) {
      for (const before of await gaps.before(head, incoming, server)) await this.#receiveBefore(head, before, server);
      // The state before the event would be whatever its server states. Events in a gap are resolved against known ones.
      const withheld = await this.#unknown(prevEventIds(incoming.pdu, head.version));
      if (withheld.length > 0) {
        if (await this.#removesLastUser(head, incoming))
          return this.#process(head, incoming, server, afterCurrent(head, withheld));
        throw new NotReceived(`the events before it are missing: ${withheld.join(', ')}`, false, withheld[0]);
      }
    }
    return this.#process(head, incoming, server);
  }

  /** Returns those of some ids whose events are stored. */
  async stored(eventIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set((await this.#parts.stores.events.numsOf(eventIds)).keys());
  }

  /**
   * Returns whether an event removes the last user of this server from the room. Nobody gives the events before it to
   * this server, because the others know already that it is not in the room any more.
   */
  async #removesLastUser(head: Head, { pdu }: IncomingEvent): Promise<boolean> {
    const { type, state_key: target, content } = pdu;
    if (type !== 'm.room.member' || (content.membership !== 'leave' && content.membership !== 'ban')) return false;
    const { servers } = this.#parts;
    if (target === undefined || domainOf(target) !== servers.serverName) return false;
    const members = await servers.localMembers(head);
    return members.length > 0 && members.every((userId) => userId === target);
  }

  /**
   * Returns the ids of events that are not stored at all. Outliers are known: an event may follow the state from before
   * this server came into the room, which has no place in the timeline.
   */
  async #unknown(eventIds: readonly string[]): Promise<string[]> {
    const nums = await this.#parts.stores.events.numsOf(eventIds);
    return eventIds.filter((eventId) => !nums.has(eventId));
  }

  /** Processes an event before the one that was sent. Later events do not need it: they get their state otherwise. */
  async #receiveBefore(head: Head, incoming: IncomingEvent, server: string): Promise<void> {
    if ((await this.#placed(head, incoming.eventId)) !== undefined) return;
    try {
      await this.#checkSender(head, incoming);
      await (await this.#process(head, incoming, server)).stored;
    } catch (error) {
      if (!(error instanceof NotReceived || error instanceof FederationError)) throw error;
    }
  }

  /** @throws NotReceived if a signature is missing, or if the room excludes the server of the sender */
  async #checkSender(head: Head, incoming: IncomingEvent): Promise<void> {
    const sender = domainOf(incoming.pdu.sender) ?? '';
    if (!(await aclPermits(head, sender))) throw new NotReceived(`the room excludes ${sender}`, true);
    const refusal = await this.#parts.checks.signatures.refusal(incoming, head.version);
    if (refusal !== undefined) throw new NotReceived(refusal.message, refusal.isFinal);
  }

  /** @param place the place of the event in the graph, if it is not that of its previous events */
  async #process(head: Head, incoming: IncomingEvent, server: string, place?: Place): Promise<AppendedEvent> {
    for (;;) {
      const partial = this.#parts.partialStates.of(head.num);
      // The answer about the state before the event has most auth events.
      const position = place ?? (await this.#positionOf(head, incoming, server));
      const auth = await this.#parts.graph.authEvents.of(head, incoming, server);
      const { learning } = this.#parts.graph;
      const before =
        partial === undefined ? position.before : await withMembersOf(learning, head.version, position.before, auth);
      const basis = { ...position, before, auth };
      const isRejected = (await this.#parts.graph.rules.refusal(head, incoming, basis)) !== undefined;
      const checked = isRejected ? { incoming } : await this.#parts.checks.policyServers.check(head, incoming);
      const appended = await this.#append(
        head,
        { ...checked, ...basis, isRejected, isStatePartial: partial !== undefined },
        partial,
      );
      if (appended !== undefined) return appended;
    }
  }

  /** Appends an event. Returns undefined if the state of the room has become whole, or partial again, meanwhile. */
  #append(
    head: Head,
    checked: Omit<PlacedEvent, 'outlier'>,
    partial: PartialRoom | undefined,
  ): Promise<AppendedEvent | undefined> {
    const { incoming } = checked;
    return this.#parts.inTurn.run(head.num, async () => {
      if (this.#parts.partialStates.of(head.num) !== partial) return undefined;
      const outlier = await this.#parts.stores.events.byId(incoming.eventId);
      // Servers choose the event ids of room versions 1 and 2.
      if (outlier !== undefined && outlier.room !== head.num)
        throw new NotReceived('the id is that of an event of another room', true);
      const known = await this.#placedAs(head, outlier);
      if (known !== undefined) return { event: known, stored: head.pending };
      return this.#parts.appender.decide(head, { ...checked, outlier });
    });
  }

  /**
   * Returns the stored event if it needs no processing: it has a place in the graph, or it is an outlier in the current
   * state, that is history from before this server joined.
   */
  async #placed(head: Head, eventId: string): Promise<StoredEvent | undefined> {
    return this.#placedAs(head, await this.#parts.stores.events.byId(eventId));
  }

  async #placedAs(head: Head, event: StoredEvent | undefined): Promise<StoredEvent | undefined> {
    if (event === undefined || event.room !== head.num) return undefined;
    if (event.standing !== STANDING.outlier) return event;
    if (event.stateKeyNum === null) return undefined;
    await this.#parts.stores.states.loadKeys([head.root], [{ type: event.typeNum, stateKey: event.stateKeyNum }]);
    if (lookup(head.root, event.typeNum, event.stateKeyNum) !== event.num) return undefined;
    // Outliers that were fetched as auth events of later events may be in the state as well, but are no history.
    const entry = (await this.#parts.stores.timelines.first(head.num)) ?? 0;
    return event.num < entry ? event : undefined;
  }

  /** Returns the place of an event in the graph and the state before it. */
  async #positionOf(head: Head, incoming: IncomingEvent, server: string): Promise<Place> {
    const { graph, stores } = this.#parts;
    const wanted = prevEventIds(incoming.pdu, head.version);
    const missing = await graph.gaps.unplaced(wanted);
    if (wanted.length === 0) throw new NotReceived('the event follows no event', true);
    const nums = await stores.events.numsOf(wanted.filter((id) => !missing.includes(id)));
    const prev = await stores.events.list([...nums.values()]);
    if (prev.some(({ room }) => room !== head.num))
      throw new NotReceived('the event follows an event of another room', true);
    if (missing.length === 0) return { prev, missing, before: await graph.stateBefore.afterAll(head, prev) };
    return { prev, missing, before: await graph.stateBefore.fetched(head, missing, prev, server) };
  }
}

/** Returns the place of an event whose previous events are not available: after the current state. */
function afterCurrent({ root }: Head, missing: readonly string[]): Place {
  return { prev: [], missing, before: { root, created: [] } };
}
