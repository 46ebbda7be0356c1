import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import type { ClientEvent, JoinedRoom } from '../support/user.ts';
import { Difference, expectSame, expectSameEntries } from './difference.ts';
import type { SimServer } from './sim-server.ts';
import { type RoomTruth, stateKeyOf, type TrueEvent, type Truth } from './truth.ts';

type Section = JoinedRoom & { readonly state_after?: { readonly events: ClientEvent[] } };

interface Answer {
  readonly rooms?: { readonly join?: Record<string, Section>; readonly leave?: Record<string, Section> };
}

const LIMIT = 3;
const HIDDEN_MAX = 150;

/** Checks first syncs with a short timeline for all rooms of a user, including rooms that the user has left. */
export async function checkFirstSyncs(server: SimServer, truth: Truth, caller: Caller): Promise<void> {
  for (const stateAfter of [false, true]) {
    const filter = JSON.stringify({ room: { timeline: { limit: LIMIT }, include_leave: true } });
    const query = { set_presence: 'offline', filter, use_state_after: stateAfter };
    const { status, json } = await server.call(caller, 'GET', '/sync', { query });
    if (status !== 200) throw new Difference(`${caller.userId}: a first sync answers ${JSON.stringify(json)}`);
    const { join = {}, leave = {} } = (json as unknown as Answer).rooms ?? {};
    for (const [roomId, section] of Object.entries(join)) {
      const room = truth.room(roomId);
      checkRoom(`${caller.userId}: first sync of ${roomId}`, caller, room, { section });
    }
    const left = ['leave', 'ban'].flatMap((membership) => truth.roomsOf(caller.userId, membership));
    const shown = left.filter((roomId) => !truth.hasForgotten(caller.userId, roomId));
    expectSame(`${caller.userId}: rooms left of a first sync`, Object.keys(leave).sort(), shown.sort());
    for (const [roomId, section] of Object.entries(leave)) {
      const room = truth.room(roomId);
      const ended = room.endOfMembership(caller.userId)?.num ?? 0;
      checkRoom(`${caller.userId}: first sync of ${roomId}, left`, caller, room, { section, ended });
    }
  }
}

function checkRoom(
  what: string,
  { userId }: Caller,
  room: RoomTruth,
  { section, ended }: { readonly section: Section; readonly ended?: number },
): void {
  const { timeline } = section;
  const end = ended === undefined ? undefined : room.leavingBefore(userId, Number.POSITIVE_INFINITY);
  const isOutside = ended === 0;
  const isOwn = (event: TrueEvent) => event.type === 'm.room.member' && event.stateKey === userId;
  const visible = room
    .visible(userId, end)
    .filter((event) => (isOutside ? event.num === end : event.num <= (ended ?? event.num) || isOwn(event)));
  const ids = timeline.events.map(({ event_id }) => event_id);
  // The server stops looking for events after very many hidden ones.
  const hidden = room.events.filter(({ id, num }) => num > (visible.at(-LIMIT)?.num ?? 0) && !ids.includes(id)).length;
  const isExact = section.state_after !== undefined && hidden < HIDDEN_MAX;
  const count = isExact ? LIMIT : ids.length;
  expectSame(
    `${what}: timeline`,
    ids,
    visible.slice(-count).map(({ id }) => id),
  );
  const mayBeMore = timeline.limited === true && hidden >= HIDDEN_MAX;
  if (timeline.limited !== ids.length < visible.length && !mayBeMore)
    throw new Difference(`${what}: limited is ${timeline.limited}`);
  const own = room.byId.get(visible.at(-1)?.id ?? '');
  const truth = new Map([...(isOutside ? [] : room.state(ended))].map(([key, { id }]) => [key, id]));
  if (ended !== undefined && own !== undefined) truth.set(stateKeyOf('m.room.member', userId), own.id);
  const events = section.state_after?.events ?? [...(section.state?.events ?? []), ...timeline.events];
  const folded = new Map<string, string>();
  for (const { type, state_key, event_id } of events) {
    if (state_key !== undefined) folded.set(stateKeyOf(type, state_key), event_id);
  }
  expectSameEntries(`${what}: state`, folded, truth);
}
