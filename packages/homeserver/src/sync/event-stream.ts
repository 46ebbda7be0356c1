import type { Clock } from '../platform/clock.ts';
import type { Cancellation } from '../platform/concurrency/cancellation.ts';
import { type AccessDeps, knownAccess, roomAccess, seesPresent } from '../rooms/access.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { streamToken } from '../timeline/position.ts';
import { type HappeningsDeps, happenings, type ListenedRooms, type Listener } from './happenings.ts';
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

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/**
 * `GET /events`: what has happened since a token, in the order in which it happened (client-server API, "Listen on the
 * event stream", and for rooms that the caller has not joined "Guest Access"). Waits if there is nothing.
 * @throws MatrixError M_FORBIDDEN for a room that the caller may not read
 */
export async function eventStream(deps: EventStreamDeps, request: EventStreamRequest): Promise<string> {
  await deps.presences.synced(request, 'online', request.timeoutMs);
  const rooms = request.roomIds === undefined ? undefined : await readableRooms(deps, request.roomIds, request.user);
  const { user } = request;
  const interest: Interest = rooms === undefined ? { user } : { user, rooms: rooms.all, membersOf: rooms.open };
  const deadline = deps.clock.elapsed() + request.timeoutMs;
  const from = request.from ?? deps.stream.current;
  const limit = Math.min(request.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
  // A token from the future, as after a restored backup, is one for now.
  let position = Math.min(from, deps.stream.current);
  for (;;) {
    const upTo = deps.stream.current;
    const window = { from: position, upTo, limit };
    const { texts, end } =
      legacyMessages(deps, request, rooms, window) ?? (await happenings(deps, request, rooms, window));
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
    if (request.roomIds !== undefined) await readableRooms(deps, request.roomIds, request.user);
  }
}

/** @throws MatrixError M_FORBIDDEN */
async function readableRooms(deps: EventStreamDeps, roomIds: readonly string[], user: number): Promise<ListenedRooms> {
  const all = new Set<number>();
  const open = new Set<number>();
  for (const roomId of roomIds) {
    const access = knownAccess(deps, roomId, user) ?? (await roomAccess(deps, roomId, user));
    all.add(access.head.num);
    if (await seesPresent(access)) open.add(access.head.num);
  }
  return { all, open };
}
