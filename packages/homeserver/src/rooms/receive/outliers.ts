import { checkAuthEvents } from '@hearth/protocol/auth/auth-events.ts';
import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { type AuthEvent, authEventIds, toAuthEvent as pduAuthEvent } from '@hearth/protocol/events/event.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { inSlices } from '../../platform/concurrency/in-slices.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { toAuthEvent } from '../head.ts';
import { namesIn, proofOf, remoteEvent } from './build-remote.ts';
import type { EventSignatures } from './event-signatures.ts';
import { type IncomingEvent, readIncoming } from './incoming.ts';

interface OutliersParts {
  readonly names: Names;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly signatures: EventSignatures;
  /** Runs one change of a room's events of other servers at a time. */
  readonly inTurn: Serial<number>;
}

/** A room whose head may not exist yet. */
export interface RoomIdentity {
  readonly num: number;
  readonly roomId: string;
  readonly version: RoomVersion;
}

/** The number of signatures that are verified before other requests run. */
const VERIFIED_AT_ONCE = 50;
/** The number of events that are stored in one transaction. */
const STORED_AT_ONCE = 250;

/**
 * Stores events without a place in the timeline: the state and the auth chains that other servers answer. Each is
 * checked against its own auth events.
 */
export class Outliers {
  readonly #parts: OutliersParts;

  constructor(parts: OutliersParts) {
    this.#parts = parts;
  }

  /**
   * Stores those of some events that are valid and not stored yet. Returns all that are stored now, by event id,
   * rejected ones included. Events whose auth events are missing are left out.
   */
  async store(room: RoomIdentity, values: readonly JsonValue[]): Promise<Map<string, StoredEvent>> {
    const incoming = new Map<string, IncomingEvent>();
    const read = await inSlices(values, VERIFIED_AT_ONCE, async (some) =>
      some.map((value) => readIncoming(value, room.version)),
    );
    for (const one of read) {
      if (one.incoming?.roomId === room.roomId) incoming.set(one.incoming.eventId, one.incoming);
    }
    const stored = new Map(await this.#complete([...incoming.keys()]));
    const fresh = [...incoming.values()].filter(({ eventId }) => !stored.has(eventId));
    const verified = await inSlices(fresh, VERIFIED_AT_ONCE, async (some) => {
      const refusals = await Promise.all(some.map((one) => this.#parts.signatures.refusal(one, room.version)));
      return some.filter((_, i) => refusals[i] === undefined);
    });
    await this.#parts.names.reserveAll(new Set(verified.flatMap((one) => namesIn(one))));
    return this.#parts.inTurn.run(room.num, async () => {
      // Some of the events may have been stored meanwhile.
      for (const [eventId, event] of await this.#complete(verified.map((one) => one.eventId)))
        stored.set(eventId, event);
      const absent = verified.filter(({ eventId }) => !stored.has(eventId));
      await this.#storeInOrder(room, absent, stored);
      // Servers choose the event ids of room versions 1 and 2, so that events of other rooms may have them.
      return new Map([...stored].filter(([, event]) => event.room === room.num));
    });
  }

  /**
   * Returns those of some events that are stored with their auth events. A member event that arrived while this server was
   * not in the room has none, and is stored anew, because the resolution of states depends on auth chains.
   */
  async #complete(eventIds: readonly string[]): Promise<[string, StoredEvent][]> {
    return [...(await this.#parts.events.byIds(eventIds))].filter(([, event]) => !event.isOutside);
  }

  /** Stores events after their auth events. */
  async #storeInOrder(
    room: RoomIdentity,
    verified: readonly IncomingEvent[],
    stored: Map<string, StoredEvent>,
  ): Promise<void> {
    const { version } = room;
    const fresh = new Set(verified.map(({ eventId }) => eventId));
    const cited = new Set(verified.flatMap(({ pdu }) => authEventIds(pdu, version)));
    if (version.authEventsWithoutCreate) cited.add(`$${room.roomId.slice(1)}`);
    const outside = [...cited].filter((eventId) => !fresh.has(eventId) && !stored.has(eventId));
    for (const [eventId, event] of await this.#parts.events.byIds(outside)) stored.set(eventId, event);
    const forms = new Map<string, AuthEvent>();
    for (const event of stored.values()) forms.set(event.eventId, toAuthEvent(event));
    let pending: { incoming: IncomingEvent; isRejected: boolean }[] = [];
    for (const one of inAuthOrder(verified, version)) {
      const form = pduAuthEvent(one.pdu, one.eventId, version);
      const auth = form.authEvents.map((eventId) => forms.get(eventId));
      if (auth.some((event) => event === undefined)) continue;
      const isRejected =
        refusalByAuthEvents(
          form,
          auth.filter((event) => event !== undefined),
          createOf(form, forms),
          version,
        ) !== undefined;
      forms.set(one.eventId, { ...form, ...(isRejected && { rejected: true }) });
      pending.push({ incoming: one, isRejected });
      if (pending.length < STORED_AT_ONCE) continue;
      await this.#commit(room, pending, stored);
      pending = [];
    }
    await this.#commit(room, pending, stored);
  }

  async #commit(
    room: RoomIdentity,
    pending: readonly { readonly incoming: IncomingEvent; readonly isRejected: boolean }[],
    stored: Map<string, StoredEvent>,
  ): Promise<void> {
    if (pending.length === 0) return;
    const { names, stream, events: store } = this.#parts;
    const events: StoredEvent[] = [];
    const outside = await store.byIds(pending.map(({ incoming }) => incoming.eventId));
    const freed = [...outside.values()].map((event) => store.markRepeated(event));
    const writes = pending.map(({ incoming, isRejected }) => {
      const event = remoteEvent(names, room.version, incoming, {
        num: stream.next(),
        room: room.num,
        seq: null,
        standing: isRejected ? STANDING.rejected : STANDING.outlier,
        snapshot: 0,
        graphSnapshot: null,
        after: null,
        replaces: null,
      });
      events.push(event);
      stored.set(event.eventId, event);
      const auth = authEventIds(incoming.pdu, room.version).flatMap((eventId) => stored.get(eventId)?.num ?? []);
      return store.insert(event, proofOf(incoming.pdu, [], auth));
    });
    const nums = new Set(events.flatMap((one) => [one.typeNum, one.senderNum, one.stateKeyNum ?? room.num]));
    try {
      await stream.commit([...freed, ...writes, ...names.inserts(room.num, ...nums)], [], () => store.stored(events));
    } catch (error) {
      store.forget(events.map(({ num }) => num));
      throw error;
    }
  }
}

/**
 * Returns the reason why an event's own auth events do not permit it (server-server API, "Checks performed on receipt of
 * a PDU", 4), or undefined.
 */
export function refusalByAuthEvents(
  event: AuthEvent,
  auth: readonly AuthEvent[],
  create: AuthEvent | undefined,
  version: RoomVersion,
): string | undefined {
  const refusal = checkAuthEvents(event, auth, version);
  if (refusal !== undefined) return refusal;
  const all = create === undefined ? auth : [...auth, create];
  return authorise(event, (type, key) => all.find((one) => one.type === type && one.stateKey === key), version);
}

/** Returns the create event that the room id implies, from room version 12 on. */
function createOf({ roomId }: AuthEvent, forms: ReadonlyMap<string, AuthEvent>): AuthEvent | undefined {
  return forms.get(`$${roomId.slice(1)}`);
}

/** Returns events so that each comes after its auth events. Events of a circle are left out. */
function inAuthOrder(events: readonly IncomingEvent[], version: RoomVersion): IncomingEvent[] {
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const waitsFor = new Map<string, number>();
  const citing = new Map<string, IncomingEvent[]>();
  const ready: IncomingEvent[] = [];
  for (const event of events) {
    const cited = new Set(authEventIds(event.pdu, version).filter((eventId) => byId.has(eventId)));
    waitsFor.set(event.eventId, cited.size);
    if (cited.size === 0) ready.push(event);
    for (const eventId of cited) {
      const list = citing.get(eventId);
      if (list === undefined) citing.set(eventId, [event]);
      else list.push(event);
    }
  }
  // From room version 12 on no event cites the create event, which all need.
  ready.sort((a, b) => Number(b.pdu.type === 'm.room.create') - Number(a.pdu.type === 'm.room.create'));
  for (let i = 0; i < ready.length; i += 1) {
    for (const event of citing.get(ready[i]?.eventId ?? '') ?? []) {
      const left = (waitsFor.get(event.eventId) ?? 0) - 1;
      waitsFor.set(event.eventId, left);
      if (left === 0) ready.push(event);
    }
  }
  return ready;
}
