import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import { STRIPPED_TYPES } from '../../rooms/stripped-types.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { InviteStates } from '../../storage/rooms/invite-states.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';

/** A room for a user who is invited or has knocked. */
export interface StrippedRoom {
  readonly head: Head;
  /** The stripped state events as JSON texts separated by commas; the user's own member event is the last. */
  readonly events: string;
}

/** Renders the stripped state of rooms. */
export class StrippedState {
  readonly #heads: Heads;
  readonly #events: EventStore;
  readonly #inviteStates: InviteStates;

  constructor({
    heads,
    events,
    inviteStates,
  }: {
    readonly heads: Heads;
    readonly events: EventStore;
    readonly inviteStates: InviteStates;
  }) {
    this.#heads = heads;
    this.#events = events;
    this.#inviteStates = inviteStates;
  }

  /** Renders the room of an invitation or a knock; `undefined` if the room is unknown. */
  room(lookups: Lookups, { user, room, event }: MembershipRow): StrippedRoom | undefined {
    const [head, member] = lookups.both(
      () => lookups.get(this.#heads.source, room),
      () => lookups.get(this.#events.source, event),
    );
    if (head === undefined || member === undefined) return undefined;
    if (member.standing === STANDING.outlier) {
      const received = lookups.get(this.#inviteStates.source, { user, room });
      return { head, events: [...(received === '' ? [] : [received]), strippedEvent(member)].join(',') };
    }
    const state = lookups.all(this.#heads.stateSource, [
      ...STRIPPED_TYPES.map((type) => ({ head, type, stateKey: '' })),
      { head, type: 'm.room.member', stateKey: member.sender },
    ]);
    const others = state.filter((one) => one !== undefined && one.num !== member.num);
    return { head, events: [...others, member].map((one) => (one === undefined ? '' : strippedEvent(one))).join(',') };
  }
}

/**
 * Renders only sender, type, state key and content of an event; of the create event also the members by which clients
 * know the room's age and id (MSC4311).
 */
function strippedEvent(event: StoredEvent): string {
  const { sender, type, stateKey = '', contentText, eventId, ts } = event;
  const more = type === 'm.room.create' ? `"event_id":${JSON.stringify(eventId)},"origin_server_ts":${ts},` : '';
  return `{${more}"type":${JSON.stringify(type)},"state_key":${JSON.stringify(stateKey)},"sender":${JSON.stringify(sender)},"content":${contentText}}`;
}
