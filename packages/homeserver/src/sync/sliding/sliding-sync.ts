import type { Clock } from '../../platform/clock.ts';
import type { Cancellation } from '../../platform/concurrency/cancellation.ts';
import { concat, joined, type Text } from '../../platform/long-text.ts';
import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import type { Presences } from '../../presence/presence.ts';
import type { PresenceState } from '../../presence/user-presence.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Notifier } from '../changes/notifier.ts';
import type { LazyChain, LazyMembersCache } from '../gather/lazy-members-cache.ts';
import type { StreamReader } from '../select/stream-reader.ts';
import type { ClientPosition } from './client-memberships.ts';
import type { ConnectionState, SentRoom } from './connection-state.ts';
import { type Connection, type Connections, type Pos, posToken, ROOMS_MAX } from './connections.ts';
import { enabledExtensions } from './extensions/extension-request.ts';
import type { RoomList, SlidingSyncBody } from './lists.ts';
import type { SlidingRange } from './room-span.ts';
import type { RenderedRooms, SlidingAnswer, SlidingAnswerRequest } from './sliding-answer.ts';
import { rulesKey } from './state-selection.ts';

/** The parameters of a wait. */
interface WaitParameters {
  readonly clock: Clock;
  readonly stream: StreamReader;
  readonly notifier: Notifier;
  readonly presences: Presences;
}

interface Parts {
  readonly names: Names;
  readonly waiting: WaitParameters;
  readonly connections: Connections;
  readonly lazyMembers: LazyMembersCache;
  readonly answer: SlidingAnswer;
}

/** A sliding sync request. */
export interface SlidingSyncRequest extends SlidingAnswerRequest {
  readonly pos: Pos | undefined;
  readonly presence: PresenceState;
  readonly timeoutMs: number;
  /** Returns the cancellation for a client that closes the connection. Called only if the request waits. */
  readonly cancellation: () => Cancellation;
}

/** A client's connection, and the client's position in it. */
interface OpenConnection extends ClientPosition {
  readonly connection: Connection;
  readonly lazy: LazyChain;
}

/** `POST /sync` in its simplified sliding form (MSC4186). */
export class SlidingSync {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the answer to a request as JSON text. Waits if there are no changes.
   * @throws MatrixError M_UNKNOWN_POS when the client has to begin anew
   */
  async respond(request: SlidingSyncRequest): Promise<Text> {
    const { clock, stream, notifier, presences } = this.#parts.waiting;
    const { pos, body, user } = request;
    const deadline = clock.elapsed() + request.timeoutMs;
    const open = await this.#open(request);
    if (request.presence !== 'offline') await presences.synced(request, request.presence, request.timeoutMs);
    for (;;) {
      const answer = await this.#parts.answer.answer(request, open, await stream.point(user));
      const waitMs = deadline - clock.elapsed();
      if (answer.hasNews || pos === undefined || waitMs <= 0) return this.#finish(open, answer, body);
      const cancellation = request.cancellation();
      await notifier.wait({ user, device: request.device }, answer.range.upTo, waitMs, cancellation);
      if (cancellation.isCancelled) return this.#finish(open, answer, body);
    }
  }

  async #open({ device, pos, body }: SlidingSyncRequest): Promise<OpenConnection> {
    const { connections, lazyMembers, waiting } = this.#parts;
    const name = body.conn_id ?? '';
    if (pos === undefined) {
      const connection = connections.begin(device, name);
      const lazy = lazyMembers.beginRequest(connection.num, undefined);
      return { connection, state: undefined, since: undefined, lazy };
    }
    const { connection, state } = await connections.resume(device, name, pos);
    const since = waiting.stream.clamp(pos.position);
    return { connection, state, since, lazy: lazyMembers.beginRequest(connection.num, posToken(pos)) };
  }

  /** Stores the state of the client after this answer, then renders the answer. */
  async #finish(open: OpenConnection, answer: RenderedRooms, body: SlidingSyncBody): Promise<Text> {
    const { connections, lazyMembers } = this.#parts;
    const next = stateAfter(open, answer, body);
    const { id } = 'id' in next ? next : await connections.advance(open.connection, open.state, next);
    const pos = posToken({ position: answer.range.upTo, state: id });
    lazyMembers.endRequest(open.lazy, pos);
    const rooms = answer.rooms.map(({ roomId, text }) => concat(`${JSON.stringify(roomId)}:{`, text, '}'));
    const parts = [`"pos":"${pos}"`];
    if (typeof body.txn_id === 'string') parts.push(`"txn_id":${JSON.stringify(body.txn_id)}`);
    const lists = await complete((lookups) => this.#listTexts(lookups, answer.wanted.lists));
    parts.push(`"lists":{${lists.join(',')}}`);
    const extensions = `"extensions":{${answer.extensions.join(',')}}`;
    return concat(`{${parts.join(',')},"rooms":{`, joined(rooms, ','), `},${extensions}}`);
  }

  #listTexts(lookups: Lookups, lists: readonly RoomList[]): string[] {
    return lookups.each(lists, ({ name, count, ranges }) => {
      const ops = ranges.map(({ range, rooms }) => ({
        op: 'SYNC',
        range,
        room_ids: lookups.all(this.#parts.names.textSource, rooms),
      }));
      return `${JSON.stringify(name)}:${JSON.stringify({ count, ops })}`;
    });
  }
}

/** Returns the state of the client after this answer; the same object if nothing has changed. */
function stateAfter(
  { state, since }: ClientPosition,
  { wanted, spans, rooms, range }: RenderedRooms,
  body: SlidingSyncBody,
): ConnectionState | Omit<ConnectionState, 'id'> {
  const extensions = enabledExtensions(body);
  const before = state?.rooms ?? new Map<number, SentRoom>();
  const changes = new Map<number, SentRoom>();
  const limited = new Set(rooms.filter((answer) => answer.limited).map(({ room }) => room));
  const covered = new Set(spans.map(({ row }) => row.room));
  for (const [room, { config }] of wanted.rooms) {
    const sent = before.get(room);
    const isWhole = covered.has(room) && (sent === undefined || limited.has(room));
    const limit = sent === undefined || isWhole ? config.limit : Math.max(sent.limit, config.limit);
    const isLive = sent !== undefined && sent.upTo === undefined;
    if (!isLive || sent.limit !== limit || rulesKey(sent.state) !== rulesKey(config.state))
      changes.set(room, { upTo: undefined, limit, state: config.state });
  }
  for (const [room, sent] of before) {
    const isLeftBehind = !wanted.rooms.has(room) && sent.upTo === undefined && hasChanged(room, range);
    if (isLeftBehind) changes.set(room, { ...sent, upTo: since });
  }
  if (state !== undefined && changes.size === 0 && extensions.join() === state.extensions.join()) return state;
  const after = new Map(before);
  for (const [room, sent] of changes) {
    after.delete(room);
    after.set(room, sent);
  }
  return { rooms: new Map([...after].slice(-ROOMS_MAX)), extensions };
}

/** Returns whether a room may have changes in a range. */
function hasChanged(room: number, { changed, rows, since = 0 }: SlidingRange): boolean {
  return changed.timelines.has(room) || changed.touched.has(room) || (rows.get(room)?.event ?? 0) > since;
}
