import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { InviteStates } from '../../storage/rooms/invite-states.ts';
import { MEMBERSHIPS, type MembershipRow, type MembershipStore } from '../../storage/rooms/membership-store.ts';
import type { Head } from '../head.ts';
import type { UserRooms } from '../membership/user-rooms.ts';
import { namesIn, proofOf, remoteEvent } from '../receive/build-remote.ts';
import type { IncomingEvent } from '../receive/incoming.ts';

interface OutsideMembersParts {
  readonly names: Names;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly memberships: MembershipStore;
  readonly userRooms: UserRooms;
  readonly inviteStates: InviteStates;
  /** Runs one change of a room's events of other servers at a time. */
  readonly inTurn: Serial<number>;
}

/**
 * Memberships of users of this server in rooms in which this server has no joined user: invites, knocks, and their
 * ends. Their events are outliers, because this server does not know the room.
 */
export class OutsideMembers {
  readonly #parts: OutsideMembersParts;

  constructor(parts: OutsideMembersParts) {
    this.#parts = parts;
  }

  /**
   * Stores a member event of a user of this server, with the stripped state for the user if there is any. An event that is
   * the current one already is not stored again.
   */
  store(head: Head, incoming: IncomingEvent, strippedState?: readonly JsonObject[]): Promise<StoredEvent> {
    return this.#parts.inTurn.run(head.num, () => this.#store(head, incoming, strippedState));
  }

  async #store(
    head: Head,
    incoming: IncomingEvent,
    strippedState: readonly JsonObject[] | undefined,
  ): Promise<StoredEvent> {
    const { names, stream, events: store, memberships, userRooms, inviteStates } = this.#parts;
    const target = incoming.pdu.state_key ?? '';
    const user = await names.reserve(target);
    await names.reserveAll(namesIn(incoming));
    const earlier = await store.byId(incoming.eventId);
    const before = await userRooms.one(user, head.num);
    // Requests are repeated, also while the first one is being answered.
    if (earlier !== undefined && earlier.num === before?.event) return earlier;
    const membership = MEMBERSHIPS.find((known) => known === asString(incoming.pdu.content.membership)) ?? 'leave';
    const num = stream.next();
    const event = remoteEvent(names, head.version, incoming, {
      num,
      room: head.num,
      seq: null,
      standing: STANDING.outlier,
      snapshot: 0,
      graphSnapshot: null,
      after: null,
      replaces: before?.event ?? null,
      isOutside: true,
    });
    event.transaction = null;
    event.aggregations = null;
    const key = { user, room: head.num };
    // The member event itself is shown with its current content.
    const others = strippedState?.filter(({ type, state_key }) => type !== 'm.room.member' || state_key !== target);
    const json = others?.map((one) => JSON.stringify(one)).join(',');
    const row: MembershipRow = { user, room: head.num, membership, event: num, position: num, forgotten: false };
    const writes = [
      ...(earlier === undefined ? [] : [store.markRepeated(earlier)]),
      store.insert(event, proofOf(incoming.pdu, [], [])),
      memberships.put(row),
      json === undefined ? inviteStates.remove(key) : inviteStates.put(key, json),
      ...names.inserts(head.num, event.typeNum, event.senderNum, user),
    ];
    try {
      const change = { kind: 'event', position: num, room: head.num, event: num, moved: [user] } as const;
      await stream.commit(writes, [change], () => {
        store.stored([event]);
        userRooms.apply(row);
      });
    } catch (error) {
      store.forget([num]);
      throw error;
    }
    return event;
  }
}
