import type { Cancellation } from '../platform/cancellation.ts';
import type { Clock } from '../platform/clock.ts';
import { type AccessDeps, knownAccess, roomAccess } from '../rooms/access.ts';
import type { Stream } from '../storage/stream.ts';
import { streamToken } from '../timeline/position.ts';
import { type HappeningsDeps, happenings, type Listener } from './happenings.ts';
import { legacyMessages } from './legacy-messages.ts';
import type { Interest, Notifier } from './notifier.ts';

export interface EventStreamDeps extends AccessDeps, HappeningsDeps {
  readonly clock: Clock;
  readonly stream: Stream;
  readonly notifier: Notifier;
  readonly events: HappeningsDeps['events'];
}

/** A request for the stream of events from before `/sync`. */
export interface EventStreamRequest extends Listener {
  /** Where to go on; at the end of the stream if absent. */
  readonly from: number | undefined;
  /** The rooms to listen to; all joined rooms if absent. */
  readonly roomIds: readonly string[] | undefined;
  readonly limit: number | undefined;
  readonly timeoutMs: number;
  /** For when the client has gone; only asked for by a request that waits. */
  readonly cancellation: () => Cancellation;
}

/** All rooms that the user has joined. */
const ALL = 'all';
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/**
 * `GET /events`: what has happened since a token, in the order in which it happened (client-server API, "Listen on the
 * event stream", and for rooms that the caller has not joined "Guest Access"). Waits if there is nothing.
 * @throws MatrixError M_FORBIDDEN for a room that the caller may not read
 */
export async function eventStream(deps: EventStreamDeps, request: EventStreamRequest): Promise<string> {
  const rooms = knownRooms(deps, request) ?? (await readableRooms(deps, request));
  const interest: Interest = { user: request.user, ...(rooms === ALL ? {} : { rooms }) };
  const deadline = deps.clock.elapsed() + request.timeoutMs;
  const from = request.from ?? deps.stream.current;
  const limit = Math.min(request.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
  // A token from the future, as after a restored backup, is one for now.
  let position = Math.min(from, deps.stream.current);
  for (;;) {
    const upTo = deps.stream.current;
    const window = { from: position, upTo, limit };
    const { texts, end } =
      legacyMessages(deps, request, interest.rooms, window) ??
      (await happenings(deps, request, interest.rooms, window));
    const waitMs = deadline - deps.clock.elapsed();
    if (texts.length > 0 || waitMs <= 0) {
      return `{"start":"${streamToken(from)}","end":"${streamToken(end)}","chunk":[${texts.join(',')}]}`;
    }
    position = end;
    if (end === upTo) {
      const cancellation = request.cancellation();
      await deps.notifier.wait(interest, upTo, waitMs, cancellation);
      if (cancellation.isCancelled) return `{"start":"${streamToken(from)}","end":"${streamToken(end)}","chunk":[]}`;
    }
    // Somebody who was removed from the room while waiting hears no more of it.
    if (knownRooms(deps, request) === undefined) await readableRooms(deps, request);
  }
}

/** The rooms of a request; {@link ALL} if it names none. @throws MatrixError M_FORBIDDEN */
async function readableRooms(
  deps: EventStreamDeps,
  { user, roomIds }: EventStreamRequest,
): Promise<ReadonlySet<number> | typeof ALL> {
  if (roomIds === undefined) return ALL;
  const rooms = new Set<number>();
  for (const roomId of roomIds) rooms.add((await roomAccess(deps, roomId, user)).head.num);
  return rooms;
}

/** What {@link readableRooms} gives, if it can be said at once. */
function knownRooms(
  deps: EventStreamDeps,
  { user, roomIds }: EventStreamRequest,
): ReadonlySet<number> | typeof ALL | undefined {
  if (roomIds === undefined) return ALL;
  const rooms = new Set<number>();
  for (const roomId of roomIds) {
    const access = knownAccess(deps, roomId, user);
    if (access === undefined) return undefined;
    rooms.add(access.head.num);
  }
  return rooms;
}
