import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import { authorise } from '@hearth/protocol/auth/authorise.ts';
import {
  type AuthEvent,
  authEventIds,
  type EventReference,
  type Pdu,
  type PduDraft,
  prevEventIds,
  toAuthEvent,
} from '@hearth/protocol/events/event.ts';
import { eventId as eventIdOf, referenceHash } from '@hearth/protocol/events/hash.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import { signPdu } from '@hearth/protocol/signing/pdu.ts';
import { resolve } from '@hearth/protocol/state/resolve.ts';
import { type StateMap, stateMapKey } from '@hearth/protocol/state/state-map.ts';
import type { Dice } from '../../../../tests/support/dice.ts';
import { refusalByAuthEvents } from '../../src/rooms/receive/outliers.ts';

/** The key of all servers in the graph. */
export const GRAPH_KEY = signingKeyFromSeed(new Uint8Array(32).fill(9), 'ed25519:graph');

const ADMIN = '@admin:a.test';
const USERS = [ADMIN, '@ann:a.test', '@bob:b.test', '@ben:b.test', '@cat:c.test'];
/** A user with power who has left before the server under test enters the room, if the graph has such a user. */
const DEPARTED = '@eve:c.test';
/** The user by whom the server under test enters the room. */
const LOCAL = '@local:test.local';

/** An event of the graph, with what follows from the events before it. */
export interface GraphEvent {
  readonly pdu: Pdu;
  readonly eventId: string;
  readonly prev: readonly string[];
  readonly isRejected: boolean;
  readonly before: StateMap;
  readonly after: StateMap;
}

interface Draft {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  readonly redacts?: string;
}

/** Probabilities of events that honest servers would not send. */
const UNCHECKED = 0.12;
const OLD_AUTH = 0.08;

/** A random graph of the events of one room, and the states that the specification gives to them. */
export class EventGraph {
  readonly version: RoomVersion;
  /** The events in the order in which they were created. */
  readonly events = new Map<string, GraphEvent>();
  /** The events up to the join by which the server under test enters the room. */
  readonly opening: readonly GraphEvent[];
  readonly #dice: Dice;
  readonly #forms = new Map<string, AuthEvent>();
  readonly #start: number;
  readonly #users: readonly string[];
  #roomId: string;

  /** @param hasDeparted whether a user has left the room before, and tries to act as if still in it */
  constructor(version: RoomVersion, dice: Dice, start: number, hasDeparted = false) {
    this.version = version;
    this.#users = hasDeparted ? [...USERS, DEPARTED] : USERS;
    this.#dice = dice;
    this.#start = start;
    this.#roomId = `!room${start}:a.test`;
    this.opening = this.#open();
  }

  get roomId(): string {
    return this.#roomId;
  }

  get entry(): GraphEvent {
    const entry = this.opening.at(-1);
    if (entry === undefined) throw new Error('the graph has no events');
    return entry;
  }

  /** The events that no other event follows. */
  get ends(): GraphEvent[] {
    const followed = new Set([...this.events.values()].flatMap(({ prev }) => prev));
    return [...this.events.values()].filter(({ eventId }) => !followed.has(eventId));
  }

  event(eventId: string): GraphEvent {
    const event = this.events.get(eventId);
    if (event === undefined) throw new Error(`the graph has no event ${eventId}`);
    return event;
  }

  /** Adds a random event. */
  grow(): void {
    const later = [...this.events.values()].slice(this.opening.length - 1);
    const { ends } = this;
    const count = this.#dice.pick([1, 1, 1, 2, 2, 3]);
    const prev = new Set<GraphEvent>();
    for (let i = 0; i < count; i += 1)
      prev.add(this.#dice.chance(0.7) ? this.#dice.pick(ends) : this.#dice.pick(later.slice(-6)));
    // An honest server does not follow rejected events, unless there is nothing else.
    const honest = [...prev].filter(({ isRejected }) => !isRejected || this.#dice.chance(0.2));
    const chosen = honest.length > 0 ? honest : [this.#dice.pick(later.filter(({ isRejected }) => !isRejected))];
    const draft = this.#draft(chosen);
    this.#add(draft, chosen, this.#dice.chance(UNCHECKED) || draft.sender === DEPARTED);
  }

  /** Adds an event of the administrator that follows all ends, and returns it. */
  merge(): GraphEvent {
    for (let ends = this.ends; ends.length > 10; ends = this.ends)
      this.#add({ type: 'm.room.message', sender: ADMIN, content: { body: 'some' } }, ends.slice(0, 10), true);
    const merged = this.#add({ type: 'm.room.message', sender: ADMIN, content: { body: 'all' } }, this.ends, true);
    if (merged === undefined) throw new Error('the last event is missing');
    return merged;
  }

  #open(): GraphEvent[] {
    const { version } = this;
    const creator = version.implicitCreator ? {} : { creator: ADMIN };
    // The hash of the create event is the id of the room, which no other graph has.
    const content = { ...creator, room_version: version.id, 'org.example.graph': this.#start };
    let last = this.#place({ type: 'm.room.create', sender: ADMIN, stateKey: '', content }, []);
    if (version.createRoomIdHash) this.#roomId = `!${last.eventId.slice(1)}`;
    const member = (userId: string, membership = 'join') => ({
      type: 'm.room.member',
      sender: userId,
      stateKey: userId,
      content: { membership },
    });
    const levels = {
      users: {
        ...this.#adminLevel,
        '@bob:b.test': 50,
        '@cat:c.test': 50,
        ...(this.#hasDeparted && { [DEPARTED]: 75 }),
      },
      events: { 'm.room.power_levels': 50 },
    };
    const drafts: Draft[] = [
      member(ADMIN),
      { type: 'm.room.power_levels', sender: ADMIN, stateKey: '', content: levels },
      { type: 'm.room.join_rules', sender: ADMIN, stateKey: '', content: { join_rule: 'public' } },
      ...this.#users.slice(1).map((userId) => member(userId)),
      ...(this.#hasDeparted ? [member(DEPARTED, 'leave')] : []),
      member(LOCAL),
    ];
    for (const draft of drafts) last = this.#place(draft, [last]);
    return [...this.events.values()];
  }

  get #hasDeparted(): boolean {
    return this.#users.includes(DEPARTED);
  }

  get #adminLevel(): JsonObject {
    return this.version.creatorsPrivileged ? {} : { [ADMIN]: 100 };
  }

  #draft(prev: readonly GraphEvent[]): Draft {
    const sender = this.#dice.pick(this.#users);
    const target = this.#dice.pick(this.#users.slice(1));
    const member = (membership: string, stateKey: string) => ({
      type: 'm.room.member',
      sender,
      stateKey,
      content: { membership },
    });
    const set = (type: string, stateKey: string, content: JsonObject) => ({ type, sender, stateKey, content });
    const value = this.#dice.below(1_000);
    switch (
      this.#dice.weighted({
        say: 3,
        topic: 2,
        state: 2,
        levels: 2,
        rules: 1,
        join: 2,
        leave: 1,
        ban: 1.5,
        kick: 1,
        redact: 0.5,
      })
    ) {
      case 'topic':
        return set('m.room.topic', '', { topic: String(value) });
      case 'state':
        return set('org.example.state', this.#dice.pick(['a', 'b']), { value });
      case 'levels':
        return set('m.room.power_levels', '', this.#levels(prev, target));
      case 'rules':
        return set('m.room.join_rules', '', { join_rule: this.#dice.pick(['public', 'invite']) });
      case 'join':
        return member('join', sender);
      case 'leave':
        return member('leave', sender === ADMIN ? target : sender);
      case 'ban':
        return member('ban', target);
      case 'kick':
        return member(this.#dice.pick(['leave', 'invite']), target);
      case 'redact':
        return { type: 'm.room.redaction', sender, ...this.#redaction(this.#dice.pick([...this.events.keys()])) };
      default:
        return { type: 'm.room.message', sender, content: { body: String(value) } };
    }
  }

  #redaction(eventId: string) {
    return this.version.contentRedacts ? { content: { redacts: eventId } } : { content: {}, redacts: eventId };
  }

  /** Returns the power levels before an event, with those of one user changed. */
  #levels(prev: readonly GraphEvent[], target: string): JsonObject {
    const current = this.#resolve(prev).get(stateMapKey('m.room.power_levels', '')) ?? '';
    const content = this.events.get(current)?.pdu.content ?? {};
    const users = { ...(content.users as JsonObject), [target]: this.#dice.pick([0, 25, 50, 75]) };
    return { ...content, users };
  }

  #resolve(prev: readonly GraphEvent[]): Map<string, string> {
    return resolve(
      this.version,
      prev.map(({ after }) => after),
      (eventId) => this.#forms.get(eventId),
    );
  }

  #place(draft: Draft, prev: readonly GraphEvent[]): GraphEvent {
    const event = this.#add(draft, prev, false);
    if (event === undefined) throw new Error(`the rules reject ${draft.type} of ${draft.sender}`);
    return event;
  }

  /** Adds an event, unless the rules reject it and `isUnchecked` is false. */
  #add(draft: Draft, prev: readonly GraphEvent[], isUnchecked: boolean): GraphEvent | undefined {
    const { version } = this;
    const before = this.#resolve(prev);
    const { type, sender, content, stateKey, redacts } = draft;
    const isOld = isUnchecked && sender !== ADMIN && this.#dice.chance(OLD_AUTH / UNCHECKED);
    const isDeparted = sender === DEPARTED && this.opening !== undefined && this.#dice.chance(0.7);
    const known = isDeparted ? this.opening.slice(0, -2).slice(-1) : [...this.events.values()];
    const authState = isOld || isDeparted ? this.#dice.pick(known).after : before;
    const keys = authEventKeys({ type, sender, content, ...(stateKey !== undefined && { stateKey }) }, version);
    const auth = keys.flatMap(([authType, key]) => authState.get(stateMapKey(authType, key)) ?? []);
    const server = domainOf(sender) ?? '';
    const count = this.events.size;
    const unsigned: PduDraft = {
      ...(version.eventIdFormat === 'v1' && { event_id: `$e${this.#start}x${count}:${server}` }),
      auth_events: this.#references(auth),
      content,
      depth: Math.max(0, ...prev.map(({ pdu }) => pdu.depth)) + 1,
      // Equal times happen, so that event ids decide.
      origin_server_ts: 1_700_000_000_000 + this.#dice.below(8),
      prev_events: this.#references(prev.map(({ eventId }) => eventId)),
      ...(type !== 'm.room.create' || !version.createRoomIdHash ? { room_id: this.#roomId } : {}),
      sender,
      ...(stateKey !== undefined && { state_key: stateKey }),
      ...(redacts !== undefined && { redacts }),
      type,
    };
    const pdu = signPdu(unsigned, version, server, GRAPH_KEY);
    const eventId = eventIdOf(pdu, version);
    const form = toAuthEvent(pdu, eventId, version);
    const isRejected = this.#isRejected(form, before);
    if (isRejected && !isUnchecked) return undefined;
    const after =
      stateKey === undefined || isRejected ? before : new Map(before).set(stateMapKey(type, stateKey), eventId);
    const event = { pdu, eventId, prev: prevEventIds(pdu, version), isRejected, before, after };
    this.events.set(eventId, event);
    this.#forms.set(eventId, { ...form, ...(isRejected && { rejected: true }) });
    return event;
  }

  #isRejected(form: AuthEvent, before: StateMap): boolean {
    const { version } = this;
    const auth = form.authEvents.flatMap((eventId) => this.#forms.get(eventId) ?? []);
    const createId = before.get(stateMapKey('m.room.create', ''));
    const create = createId === undefined ? undefined : this.#forms.get(createId);
    if (form.type !== 'm.room.create' && refusalByAuthEvents(form, auth, create, version) !== undefined) return true;
    const state = (type: string, key: string) => this.#forms.get(before.get(stateMapKey(type, key)) ?? '');
    return authorise(form, state, version) !== undefined;
  }

  #references(eventIds: readonly string[]): PduDraft['prev_events'] {
    if (this.version.eventIdFormat !== 'v1') return [...eventIds];
    return eventIds.map((id): EventReference => [id, { sha256: referenceHash(this.event(id).pdu, this.version) }]);
  }

  /** Returns the ids of the auth chains of events. */
  authChain(eventIds: Iterable<string>): Set<string> {
    const chain = new Set<string>();
    const open = [...eventIds];
    for (let eventId = open.pop(); eventId !== undefined; eventId = open.pop())
      for (const auth of authEventIds(this.event(eventId).pdu, this.version)) {
        if (chain.has(auth)) continue;
        chain.add(auth);
        open.push(auth);
      }
    return chain;
  }
}
