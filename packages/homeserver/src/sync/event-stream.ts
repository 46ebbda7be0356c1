import type { Clock } from '../platform/clock.ts';
import type { Cancellation } from '../platform/concurrency/cancellation.ts';
import { complete } from '../platform/lookups/lookups.ts';
import type { Presences } from '../presence/presence.ts';
import { type RoomReaders, seesPresent } from '../rooms/access.ts';
import { streamToken } from '../timeline/position.ts';
import type { Interest, Notifier } from './changes/notifier.ts';
import type { StreamEntryTexts } from './render/stream-entry-texts.ts';
import type { ListenedRooms, StreamEntrySelection, StreamListener } from './select/stream-entries.ts';
import type { StreamReader } from './select/stream-reader.ts';

interface Parts {
  readonly clock: Clock;
  readonly stream: StreamReader;
  readonly readers: RoomReaders;
  readonly notifier: Notifier;
  readonly presences: Presences;
  readonly selection: StreamEntrySelection;
  readonly texts: StreamEntryTexts;
}

/** A request of `GET /events`, which is older than `/sync`. */
export interface EventStreamRequest extends StreamListener {
  /** The position at which the answer begins; the end of the stream if absent. */
  readonly from: number | undefined;
  /** The rooms to listen to; all joined rooms if absent. */
  readonly roomIds: readonly string[] | undefined;
  /** Servers that may be in these rooms, as the client names them. */
  readonly servers: readonly string[];
  readonly limit: number | undefined;
  readonly timeoutMs: number;
  /** Returns the cancellation for a client that closes the connection. Called only if the request waits. */
  readonly cancellation: () => Cancellation;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/**
 * `GET /events`: the changes since a token, in order (client-server API, "Listen on the event stream"; for rooms that
 * the caller has not joined, "Guest Access").
 */
export class EventStream {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the answer to a request as JSON text. Waits if there are no entries.
   * @throws MatrixError M_FORBIDDEN for a room that the caller may not read
   */
  async respond(request: EventStreamRequest): Promise<string> {
    const { clock, stream, notifier, presences, selection, texts } = this.#parts;
    const { user, roomIds } = request;
    await presences.synced(request, 'online', request.timeoutMs);
    for (const roomId of roomIds ?? []) await this.#parts.readers.open(roomId, user, request.servers);
    const rooms = roomIds === undefined ? undefined : await this.#readableRooms(roomIds, user);
    const interest: Interest = rooms === undefined ? { user } : { user, rooms: rooms.all, membersOf: rooms.open };
    const deadline = clock.elapsed() + request.timeoutMs;
    const from = request.from ?? stream.current;
    const limit = Math.min(request.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
    let position = Math.min(from, stream.current);
    for (;;) {
      const window = { from: position, limit, rooms, ...(await stream.point(user)) };
      const { chunk, end } = await complete((lookups) => {
        const entries = selection.select(lookups, request, window);
        return { chunk: texts.texts(lookups, entries, rooms !== undefined), end: entries.end };
      });
      const waitMs = deadline - clock.elapsed();
      if (chunk.length > 0 || waitMs <= 0) return responseText(from, end, chunk);
      position = end;
      if (end === window.upTo) {
        const cancellation = request.cancellation();
        await notifier.wait(interest, end, waitMs, cancellation);
        if (cancellation.isCancelled) return responseText(from, end, []);
      }
      // The user may have been removed from the room during the wait.
      if (roomIds !== undefined) await this.#readableRooms(roomIds, user);
    }
  }

  /** Returns the rooms that the request names. @throws MatrixError M_FORBIDDEN */
  async #readableRooms(roomIds: readonly string[], user: number): Promise<ListenedRooms> {
    const all = new Set<number>();
    const open = new Set<number>();
    for (const roomId of roomIds) {
      const access = await this.#parts.readers.access(roomId, user);
      all.add(access.head.num);
      if (await seesPresent(access)) open.add(access.head.num);
    }
    return { all, open };
  }
}

function responseText(from: number, end: number, chunk: readonly string[]): string {
  return `{"start":"${streamToken(from)}","end":"${streamToken(end)}","chunk":[${chunk.join(',')}]}`;
}
