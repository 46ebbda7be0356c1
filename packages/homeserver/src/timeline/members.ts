import { invalidParam } from '@hearth/protocol/errors.ts';
import type { RoomAccess, RoomReaders } from '../rooms/access.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { NodeRef } from '../storage/state/state-node.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries } from '../storage/state/state-tree.ts';
import { parseToken, seqOfToken } from './position.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly timelines: TimelineStore;
  readonly readers: RoomReaders;
}

/** The parameters that select members (client-server API, "GET /rooms/{roomId}/members"). `at` is a token. */
export interface MembersQuery {
  readonly at?: string | undefined;
  readonly membership?: string | undefined;
  readonly not_membership?: string | undefined;
}

/** The sequence number of the creator's member event in a room's timeline. */
const CREATOR_JOINED = 2;

/** Finds the member events of rooms. */
export class Members {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the numbers of the member events of a room that a user may see, whatever their membership, when all are known.
   * @param at a token of the point in time; the present if absent
   * @throws MatrixError M_INVALID_PARAM, M_UNKNOWN
   */
  async eventNums(access: RoomAccess, at: string | undefined): Promise<readonly number[]> {
    const { names, states, readers } = this.#parts;
    await readers.whole(access);
    const root = at === undefined ? await readers.state(access) : await this.#stateAt(access, at);
    const member = await names.num('m.room.member');
    await states.loadAll([root]);
    return entries(root)
      .filter(({ type }) => type === member)
      .map(({ event }) => event);
  }

  /**
   * Returns the state after the last event at or before a token; for past members, at the latest the state at their
   * departure.
   */
  async #stateAt(access: RoomAccess, at: string): Promise<NodeRef> {
    const { timelines, events, states } = this.#parts;
    const room = access.head.num;
    const last = access.kind === 'past' ? (access.ended.seq ?? 0) : access.head.row.seq;
    // A position before the room's first event means the point at which only the creator has joined.
    const seq = Math.min(Math.max(await seqOfToken(timelines, room, parseToken(at, 'at')), CREATOR_JOINED), last);
    const [num] = await timelines.page({ room, after: seq - 1, upTo: seq }, true, 1);
    const event = num === undefined ? undefined : await events.one(num);
    if (event === undefined) throw invalidParam("'at' is before the creation of the room");
    const root = (await states.snapshots([event.snapshotAfter])).get(event.snapshotAfter);
    if (root === undefined) throw new Error('the state of an accepted event is missing');
    return root;
  }
}

/** Returns whether a member event has a membership that the query selects. */
export function isWantedMember(event: StoredEvent, query: MembersQuery): boolean {
  const membership = membershipOf(event);
  return (query.membership ?? membership) === membership && query.not_membership !== membership;
}
