import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import type { ClientEvent, JoinedRoom, Page, SyncReply } from '../support/user.ts';
import { Children, checkBundle, checkRelations } from './children.ts';
import { type Device, type KnownRoom, receiptsIn } from './device.ts';
import { Difference, expectSame, expectSameEntries } from './difference.ts';
import { checkFirstSyncs } from './first-sync.ts';
import type { SimServer } from './sim-server.ts';
import { type RoomTruth, stateKeyOf, type Truth } from './truth.ts';
import { type ReadMarks, unreadCounts } from './unread.ts';

export interface AgreementWorld {
  readonly server: SimServer;
  readonly truth: Truth;
  readonly marks: ReadMarks;
}

interface FreshRoom extends JoinedRoom {
  readonly summary?: Record<string, number>;
}

/** Checks that a first sync and other endpoints agree with the truth about a user's rooms. */
export async function checkUser(world: AgreementWorld, caller: Caller): Promise<SyncReply> {
  const { userId } = caller;
  const query = { set_presence: 'offline', filter: JSON.stringify({ room: { timeline: { limit: 100 } } }) };
  const fresh = (await get(world, caller, '/sync', query)) as SyncReply;
  const joined = world.truth.roomsOf(userId, 'join');
  expectSame(`${userId}: joined rooms of a first sync`, Object.keys(fresh.rooms?.join ?? {}).sort(), joined.toSorted());
  const { joined_rooms: list } = (await get(world, caller, '/joined_rooms', {})) as { joined_rooms: string[] };
  expectSame(`${userId}: /joined_rooms`, list.toSorted(), joined.toSorted());
  for (const roomId of joined) {
    const truth = world.truth.room(roomId);
    const path = `/rooms/${encodeURIComponent(roomId)}`;
    const state = (await get(world, caller, `${path}/state`, {})) as ClientEvent[];
    expectSameEntries(`${userId}: /state of ${roomId}`, entriesOf(state), trueState(truth));
    await checkHistory(world, caller, truth);
    await checkRelations(world.server, caller, truth);
  }
  for (const membership of ['leave', 'ban']) {
    for (const roomId of world.truth.roomsOf(userId, membership))
      await checkPast(world, caller, world.truth.room(roomId));
  }
  await checkInitialSync(world, caller, joined);
  await checkFirstSyncs(world.server, world.truth, caller);
  return fresh;
}

/**
 * Checks that a user who has left a room sees it as of then, and that a user who was never in it sees nothing unless it
 * is world readable.
 */
async function checkPast(world: AgreementWorld, caller: Caller, room: RoomTruth): Promise<void> {
  const { userId } = caller;
  const path = `/rooms/${encodeURIComponent(room.roomId)}`;
  const setting = room.state().get('m.room.history_visibility|')?.content.history_visibility;
  const ended = world.truth.hasForgotten(userId, room.roomId) ? undefined : room.endOfMembership(userId);
  if (ended === undefined) {
    for (const part of ['state', 'members', 'messages', 'initialSync']) {
      const { status } = await world.server.call(caller, 'GET', `${path}/${part}`, { query: { dir: 'b' } });
      if ((status === 200) !== (setting === 'world_readable'))
        throw new Difference(`${userId}: ${part} of ${room.roomId} from outside answers ${status}`);
    }
    return;
  }
  const truth = new Map([...room.state(ended.num)].map(([key, { id }]) => [key, id]));
  const state = (await get(world, caller, `${path}/state`, {})) as ClientEvent[];
  expectSameEntries(`${userId}: /state of ${room.roomId}, left`, entriesOf(state), truth);
  const { chunk } = (await get(world, caller, `${path}/members`, {})) as { chunk: ClientEvent[] };
  const isMember = ([key]: readonly [string, string]) => key.startsWith('m.room.member|');
  const members = new Map([...truth].filter(isMember));
  expectSameEntries(`${userId}: /members of ${room.roomId}, left`, entriesOf(chunk), members);
  const end = setting === 'world_readable' ? undefined : room.leavingBefore(userId, Number.POSITIVE_INFINITY);
  await checkHistory(world, caller, room, end);
  await checkRelations(world.server, caller, room);
}

/** Checks all pages of `/messages`, in both directions. */
async function checkHistory(world: AgreementWorld, caller: Caller, room: RoomTruth, upTo?: number): Promise<void> {
  const visible = room.visible(caller.userId).filter(({ num }) => num <= (upTo ?? num));
  const ids = visible.map(({ id }) => id);
  const children = new Children(room, caller.userId);
  for (const dir of ['b', 'f']) {
    const found: string[] = [];
    let from: string | undefined;
    do {
      const path = `/rooms/${encodeURIComponent(room.roomId)}/messages`;
      const page = (await get(world, caller, path, { dir, limit: 37, from })) as Page;
      found.push(...page.chunk.map(({ event_id }) => event_id));
      for (const event of page.chunk) checkContent(room, event, children);
      from = page.end;
    } while (from !== undefined);
    expectSame(`${caller.userId}: /messages of ${room.roomId}, ${dir}`, dir === 'b' ? found.reverse() : found, ids);
  }
}

/** Checks that an event has its content, or is redacted. */
function checkContent(room: RoomTruth, shown: ClientEvent, children: Children): void {
  const { event_id: id, content, unsigned, type } = shown;
  const event = room.byId.get(id);
  if (event === undefined) throw new Difference(`${id} does not exist`);
  checkBundle('/messages', children, event, shown);
  const isRedacted = unsigned?.redacted_because !== undefined;
  if (isRedacted !== event.isRedacted) throw new Difference(`${id} is shown as ${isRedacted ? '' : 'not '}redacted`);
  // Clients get the target of a redaction in its content, in every room version.
  if (type === 'm.room.redaction') return;
  const [seen, truth] = [JSON.stringify(content), JSON.stringify(event.content)];
  if (seen !== truth) throw new Difference(`${id} is shown with ${seen}, not ${truth}`);
}

async function checkInitialSync(world: AgreementWorld, caller: Caller, joined: readonly string[]): Promise<void> {
  const reply = (await get(world, caller, '/initialSync', { limit: 5 })) as {
    rooms: { room_id: string; membership: string; state?: ClientEvent[]; messages?: Page }[];
  };
  const rooms = reply.rooms.filter(({ membership }) => membership === 'join');
  expectSame(`${caller.userId}: /initialSync`, rooms.map((room) => room.room_id).sort(), joined.toSorted());
  for (const { room_id: roomId, state = [], messages } of rooms) {
    const truth = world.truth.room(roomId);
    expectSameEntries(`${caller.userId}: /initialSync state of ${roomId}`, entriesOf(state), trueState(truth));
    const chunk = (messages?.chunk ?? []).map(({ event_id }) => event_id);
    const visible = truth.visible(caller.userId).map(({ id }) => id);
    expectSame(`${caller.userId}: /initialSync messages of ${roomId}`, chunk, visible.slice(-5));
  }
}

/** Checks that the data of a device equal a first sync and the truth. */
export function checkDevice(world: AgreementWorld, device: Device, fresh: SyncReply): void {
  const { userId } = device.caller;
  const { truth } = world;
  const rooms = { joined: [...device.joined.keys()], invited: [...device.invited], knocked: [...device.knocked] };
  expectSame(`${device.name}: joined`, rooms.joined.sort(), truth.roomsOf(userId, 'join').sort());
  const invited = truth.roomsOf(userId, 'invite').filter((roomId) => truth.room(roomId).isInvited(userId));
  // A user who is invited again by an ignored user keeps the invitation that the client has seen before.
  const shown = rooms.invited.filter((roomId) => invited.includes(roomId) || !truth.room(roomId).hasInvite(userId));
  expectSame(`${device.name}: invited`, shown.sort(), invited.sort());
  expectSame(`${device.name}: knocked`, rooms.knocked.sort(), truth.roomsOf(userId, 'knock').sort());
  const global = new Map(fresh.account_data?.events.map(({ type, content }) => [type, JSON.stringify(content)]));
  expectSameEntries(`${device.name}: account data`, device.accountData, global);
  for (const [roomId, known] of device.joined) {
    const first = fresh.rooms?.join?.[roomId];
    if (first !== undefined) checkRoom(world, device, known, { truth: truth.room(roomId), first });
  }
}

function checkRoom(
  { marks }: AgreementWorld,
  device: Device,
  known: KnownRoom,
  { truth, first }: { truth: RoomTruth; first: FreshRoom },
): void {
  const { userId } = device.caller;
  const what = `${device.name} in ${truth.roomId}`;
  const visible = truth.visible(userId).filter((event) => device.habit.shows(event));
  expectSame(
    `${what}: timeline`,
    known.timeline,
    visible.map(({ id }) => id),
  );
  device.checkState(what, known, truth.state());
  checkHeroes(what, known, truth, userId);
  const receipts = first.ephemeral?.events.filter(({ type }) => type === 'm.receipt') ?? [];
  const fresh = new Map(receipts.flatMap(({ content }) => receiptsIn(content)));
  expectSameEntries(`${what}: receipts`, known.receipts, fresh);
  const data = first.account_data?.events ?? [];
  const freshData = new Map(data.map(({ type, content }) => [type, JSON.stringify(content)]));
  expectSameEntries(`${what}: account data`, known.accountData, freshData);
  const typing = first.ephemeral?.events.find(({ type }) => type === 'm.typing')?.content ?? { user_ids: [] };
  if (known.typing !== JSON.stringify(typing))
    throw new Difference(`${what}: typing are ${known.typing}, not ${JSON.stringify(typing)}`);
  const counts = JSON.stringify(unreadCounts(truth, userId, marks));
  if (JSON.stringify(first.unread_notifications) !== counts)
    throw new Difference(
      `${what}: a first sync has ${JSON.stringify(first.unread_notifications)} unread, not ${counts}`,
    );
  if (known.unread !== counts) throw new Difference(`${what}: ${known.unread} unread, not ${counts}`);
  const summary = {
    'm.joined_member_count': truth.memberCount('join'),
    'm.invited_member_count': truth.memberCount('invite'),
  };
  for (const [key, count] of Object.entries(summary)) {
    if (known.summary.get(key) !== count)
      throw new Difference(`${what}: ${key} is ${known.summary.get(key)}, not ${count}`);
  }
}

/**
 * Checks the heroes of a room without a name: other members, or those who have left. The device has their member
 * events.
 */
function checkHeroes(what: string, { heroes, state }: KnownRoom, truth: RoomTruth, userId: string): void {
  if (truth.isNamed()) return;
  const others = [...truth.state()].filter(([, { type, stateKey }]) => type === 'm.room.member' && stateKey !== userId);
  const isPresent = (membership: unknown) => membership === 'join' || membership === 'invite';
  const present = others.filter(([, { content }]) => isPresent(content.membership));
  const hasGone = (membership: unknown) => membership === 'leave' || membership === 'ban';
  const gone = others.filter(([, { content }]) => hasGone(content.membership));
  const wanted = new Set((present.length > 0 ? present : gone).map(([, { stateKey }]) => stateKey));
  const wrong = heroes.filter((hero) => !wanted.has(hero) || !state.has(stateKeyOf('m.room.member', hero)));
  if (wrong.length > 0 || heroes.length !== Math.min(5, wanted.size))
    throw new Difference(
      `${what}: heroes are ${heroes.join(' ')} of ${[...wanted].join(' ')}, wrong ${wrong.join(' ')}`,
    );
}

function trueState(room: RoomTruth): Map<string, string> {
  return new Map([...room.state()].map(([key, { id }]) => [key, id]));
}

function entriesOf(events: readonly ClientEvent[]): Map<string, string> {
  return new Map(events.map(({ type, state_key = '', event_id }) => [stateKeyOf(type, state_key), event_id]));
}

async function get(
  { server }: AgreementWorld,
  caller: Caller,
  path: string,
  query: Record<string, string | number | undefined>,
): Promise<unknown> {
  const reply = await server.call(caller, 'GET', path, { query });
  if (reply.status !== 200) throw new Difference(`${caller.userId}: ${path} answers ${JSON.stringify(reply)}`);
  return reply.json;
}
