import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { ChangedRooms, RoomChanges } from '../select/changed-rooms.ts';
import type { StreamReader } from '../select/stream-reader.ts';
import type { ClientMemberships, ClientPosition } from './client-memberships.ts';
import type { SlidingSyncBody } from './lists.ts';
import type { RoomSpan, RoomSpans, SlidingRange } from './room-span.ts';
import type { RequestedRooms, WantedRooms } from './wanted-rooms.ts';

interface Parts {
  readonly memberships: ClientMemberships;
  readonly stream: StreamReader;
  readonly wanted: WantedRooms;
  readonly changes: RoomChanges;
  readonly spans: RoomSpans;
}

/** The rooms of an answer. */
export interface Selected {
  readonly range: SlidingRange;
  readonly wanted: RequestedRooms;
  readonly spans: readonly RoomSpan[];
}

const NOTHING: ChangedRooms = { timelines: new Map(), touched: new Set() };

/** Selects the rooms of an answer and the part of each room that it has to cover, as numbers. */
export class SlidingSelection {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  select(
    lookups: Lookups,
    { user, body }: { readonly user: number; readonly body: SlidingSyncBody },
    position: ClientPosition,
    point: Pick<SlidingRange, 'rows' | 'upTo'>,
  ): Selected {
    const { memberships, stream, wanted: wantedRooms, changes, spans } = this.#parts;
    const { state, since } = position;
    const rows = memberships.rows(lookups, user, point.rows, position);
    const wanted = wantedRooms.select(lookups, user, body, rows, (room) => state?.rooms.has(room) === true);
    const range = stream.range(user, since, { rows, upTo: point.upTo });
    const changed = since === undefined ? NOTHING : changes.in(lookups, rows, range);
    const whole = { ...range, changed };
    return { range: whole, wanted, spans: spans.select(lookups, wanted, state, whole) };
  }
}
