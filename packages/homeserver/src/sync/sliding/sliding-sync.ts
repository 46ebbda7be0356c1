import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Cancellation } from '../../platform/concurrency/cancellation.ts';
import { concat, joined, type Text } from '../../platform/long-text.ts';
import type { Presences } from '../../presence/presence.ts';
import type { PresenceState } from '../../presence/user-presence.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { readerOf } from '../../timeline/hydrate.ts';
import type { DeviceSectionDeps } from '../device-sections.ts';
import type { EphemeralDeps } from '../ephemeral.ts';
import type { LazyChain } from '../lazy-members-cache.ts';
import type { Notifier } from '../notifier.ts';
import { presentOf } from '../present.ts';
import { changesIn, type SkeletonDeps } from '../skeleton.ts';
import type { ConnectionState, SentRoom } from './connection-state.ts';
import { type Connection, type Connections, type Pos, posToken, ROOMS_MAX } from './connections.ts';
import { deviceExtensions } from './device-extensions.ts';
import { enabledExtensions } from './extension-request.ts';
import type { ListDeps, RoomList, SlidingSyncBody } from './lists.ts';
import { type RoomAnswer, type RoomAnswerDeps, roomAnswers } from './room-answers.ts';
import { roomExtensions } from './room-extensions.ts';
import { type Range, type RoomSpan, roomSpans } from './room-span.ts';
import { rulesKey } from './state-selection.ts';
import { type StickyExtensionDeps, stickyExtension } from './sticky-extension.ts';
import { type ThreadsExtensionDeps, threadsExtension } from './threads-extension.ts';
import { toldRows } from './told-rows.ts';
import { type Wanted, wantedRooms } from './wanted-rooms.ts';

export interface SlidingSyncDeps
  extends SkeletonDeps,
    ListDeps,
    EphemeralDeps,
    RoomAnswerDeps,
    StickyExtensionDeps,
    ThreadsExtensionDeps,
    DeviceSectionDeps {
  readonly clock: Clock;
  readonly stream: Stream;
  readonly userRooms: UserRooms;
  readonly notifier: Notifier;
  readonly ignoredUsers: IgnoredUsers;
  readonly presences: Presences;
  readonly connections: Connections;
  readonly events: RoomAnswerDeps['events'];
  readonly names: RoomAnswerDeps['names'];
  readonly timelines: SkeletonDeps['timelines'];
  readonly accountData: ListDeps['accountData'];
}

/** A sliding sync request. */
export interface SlidingSyncRequest {
  readonly user: number;
  readonly userId: string;
  readonly device: number;
  readonly pos: Pos | undefined;
  readonly body: SlidingSyncBody;
  readonly presence: PresenceState;
  readonly timeoutMs: number;
  /** For when the client has gone; only asked for by a request that waits. */
  readonly cancellation: () => Cancellation;
}

/** Where a client is. */
interface Place {
  readonly connection: Connection;
  /** The state of the connection; nothing when it begins. */
  readonly state: ConnectionState | undefined;
  readonly since: number | undefined;
  readonly lazy: LazyChain;
}

/**
 * `POST /sync` in its simplified sliding form (MSC4186): the answer as JSON text. Waits for news if there are none.
 * @throws MatrixError M_UNKNOWN_POS when the client has to begin anew
 */
export async function slidingSync(deps: SlidingSyncDeps, request: SlidingSyncRequest): Promise<Text> {
  const { pos, body, user } = request;
  const deadline = deps.clock.elapsed() + request.timeoutMs;
  const place = await placeOf(deps, request);
  if (request.presence !== 'offline') await deps.presences.synced(request, request.presence, request.timeoutMs);
  for (;;) {
    const answer = await answerAt(deps, request, place);
    const waitMs = deadline - deps.clock.elapsed();
    if (answer.hasNews || pos === undefined || waitMs <= 0) return finish(deps, place, answer, body);
    const cancellation = request.cancellation();
    await deps.notifier.wait({ user, device: request.device }, answer.range.upTo, waitMs, cancellation);
    if (cancellation.isCancelled) return finish(deps, place, answer, body);
  }
}

async function placeOf(deps: SlidingSyncDeps, { device, pos, body }: SlidingSyncRequest): Promise<Place> {
  const name = body.conn_id ?? '';
  if (pos === undefined) {
    const connection = deps.connections.begin(device, name);
    const lazy = deps.slidingMembers.asked(connection.num, undefined);
    return { connection, state: undefined, since: undefined, lazy };
  }
  const { connection, state } = await deps.connections.resume(device, name, pos);
  // A position from the future, as after a restored backup, is one for now.
  const since = Math.min(pos.position, deps.stream.current);
  return { connection, state, since, lazy: deps.slidingMembers.asked(connection.num, since) };
}

interface Answer {
  readonly range: Range;
  readonly wanted: Wanted;
  readonly spans: readonly RoomSpan[];
  readonly rooms: readonly RoomAnswer[];
  readonly extensions: readonly string[];
  readonly hasNews: boolean;
}

/** Everything between the client's place and now. */
async function answerAt(deps: SlidingSyncDeps, request: SlidingSyncRequest, place: Place): Promise<Answer> {
  const { user, userId, device, body } = request;
  const { state, since, lazy } = place;
  const { rows: all, upTo } = await presentOf(deps, user);
  const ignored = await deps.ignoredUsers.of(user);
  // A user who blocks invites gets none (client-server API, "Invite permission").
  const hides = { ignored, blocks: await deps.invitePermission.blocks(user) };
  const rows = await toldRows(deps, all, place, hides);
  const wanted = await wantedRooms(deps, user, body, rows, (room) => state?.rooms.has(room) === true);
  const changed = since === undefined ? NOTHING : await changesIn(deps, request.user, rows, { since, upTo });
  const range = { since, upTo, changed, rows };
  const spans = await roomSpans(deps, wanted, state, range);
  const data = await deps.accountData.of(user);
  const reader = readerOf(request, ignored);
  const rooms = await roomAnswers(deps, { user, userId, reader, lazy, range, data }, spans);
  const answers = new Map(rooms.map((answer) => [answer.room, answer]));
  const extended = { user, body, state, wanted, range, data, answers };
  const extensions = await roomExtensions(deps, extended);
  const sticky = await stickyExtension(deps, extended, reader);
  if (sticky !== '') extensions.push(sticky);
  const threads = await threadsExtension(deps, extended);
  if (threads !== '') extensions.push(threads);
  const forDevice = await deviceExtensions(deps, { user, device, body, range });
  const hasNews = rooms.length > 0 || extensions.length > 0 || forDevice.hasNews;
  return { range, wanted, spans, rooms, extensions: [...extensions, ...forDevice.texts], hasNews };
}

const NOTHING: Range['changed'] = { timelines: new Map(), touched: new Set() };

/** Notes what the client has with this answer, then puts the answer together. */
async function finish(deps: SlidingSyncDeps, place: Place, answer: Answer, body: SlidingSyncBody): Promise<Text> {
  const next = stateAfter(place, answer, body);
  deps.slidingMembers.answered(place.lazy, answer.range.upTo);
  const { id } = 'id' in next ? next : await deps.connections.advance(place.connection, place.state, next);
  const rooms = answer.rooms.map(({ roomId, text }) => concat(`${JSON.stringify(roomId)}:{`, text, '}'));
  const parts = [`"pos":"${posToken({ position: answer.range.upTo, state: id })}"`];
  if (typeof body.txn_id === 'string') parts.push(`"txn_id":${JSON.stringify(body.txn_id)}`);
  parts.push(`"lists":{${(await listTexts(deps, answer.wanted.lists)).join(',')}}`);
  const extensions = `"extensions":{${answer.extensions.join(',')}}`;
  return concat(`{${parts.join(',')},"rooms":{`, joined(rooms, ','), `},${extensions}}`);
}

async function listTexts(deps: SlidingSyncDeps, lists: readonly RoomList[]): Promise<string[]> {
  const ids = await deps.names.texts(lists.flatMap(({ rooms }) => [...rooms]));
  return lists.map(({ name, count, ranges }) => {
    const ops = ranges.map(({ range, rooms }) => ({ op: 'SYNC', range, room_ids: rooms.map((room) => ids.get(room)) }));
    return `${JSON.stringify(name)}:${JSON.stringify({ count, ops })}`;
  });
}

/** The state of the client after this answer; the same object when nothing has changed. */
function stateAfter(
  { state, since }: Place,
  { wanted, spans, rooms, range }: Answer,
  body: SlidingSyncBody,
): ConnectionState | Omit<ConnectionState, 'id'> {
  const extensions = enabledExtensions(body);
  const before = state?.rooms ?? new Map<number, SentRoom>();
  const changes = new Map<number, SentRoom>();
  const limited = new Set(rooms.filter((answer) => answer.limited).map(({ room }) => room));
  const told = new Set(spans.map(({ row }) => row.room));
  for (const [room, { config }] of wanted.rooms) {
    const sent = before.get(room);
    const isWhole = told.has(room) && (sent === undefined || limited.has(room));
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

/** Whether anything of a room may be newer than what the client has. */
function hasChanged(room: number, { changed, rows, since = 0 }: Range): boolean {
  return changed.timelines.has(room) || changed.touched.has(room) || (rows.get(room)?.event ?? 0) > since;
}
