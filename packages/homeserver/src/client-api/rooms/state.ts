import { getJoinedMembersByRoom } from '@hearth/api/client/room-membership/joined-members.ts';
import { getJoinedRooms } from '@hearth/api/client/room-membership/joined-rooms.ts';
import { getMembersByRoom } from '@hearth/api/client/room-membership/members.ts';
import { getRoomState, getRoomStateByType, getRoomStateWithKey } from '@hearth/api/client/rooms/state.ts';
import { forbidden, notFound } from '@hearth/protocol/errors.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { type Caller, jsonAnswer, RawJson, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import { type AccessDeps, roomAccess, visibleState, visibleStateNums } from '../../rooms/access.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import { redactedCopies } from '../../timeline/erasure.ts';
import { type HydrateDeps, hydrateState, type Reader, readerOf } from '../../timeline/hydrate.ts';
import { isWantedMember, type MembersDeps, memberEventNums } from '../../timeline/members.ts';
import { stateText } from '../../timeline/state-text.ts';

export type StateRouteDeps = AccessDeps & HydrateDeps & MembersDeps & { readonly ignoredUsers: IgnoredUsers };

/** Returns the routes for the state and the members of rooms. */
export function stateRoutes(deps: StateRouteDeps): Route[] {
  return [
    route(getRoomState, async ({ params, caller }) => {
      const access = await roomAccess(deps, params.roomId, caller.user);
      const events = await visibleStateNums(deps, access);
      const text = await stateText(deps, await readerFor(deps, caller), events, { format: MODERN_FORMAT });
      return jsonAnswer(concat('[', text, ']'));
    }),
    route(getRoomStateWithKey, ({ params, query, caller }) =>
      oneStateEvent(deps, caller, params.roomId, [params.eventType, params.stateKey], query.format),
    ),
    route(getRoomStateByType, ({ params, query, caller }) =>
      oneStateEvent(deps, caller, params.roomId, [params.eventType, ''], query.format),
    ),
    route(getMembersByRoom, async ({ params, query, caller }) => {
      const access = await roomAccess(deps, params.roomId, caller.user);
      const events = await memberEventNums(deps, access, query.at);
      const isWanted = (event: StoredEvent) => isWantedMember(event, query);
      const text = await stateText(deps, await readerFor(deps, caller), events, { format: MODERN_FORMAT, isWanted });
      return jsonAnswer(concat('{"chunk":[', text, ']}'));
    }),
    route(getJoinedMembersByRoom, async ({ params, caller }) => {
      const access = await roomAccess(deps, params.roomId, caller.user);
      if (access.kind === 'past') throw forbidden('You are not in this room');
      const events = await deps.events.list(await memberEventNums(deps, access, undefined));
      const members = events.filter((event) => isWantedMember(event, { membership: 'join' }));
      const entries = members.map(({ stateKey = '', content }) => [
        stateKey,
        {
          // Some clients reject an answer in which a member is missing, so unknown values are null.
          display_name: typeof content.displayname === 'string' ? content.displayname : null,
          avatar_url: typeof content.avatar_url === 'string' ? content.avatar_url : null,
        },
      ]);
      return { joined: Object.fromEntries(entries) };
    }),
    route(getJoinedRooms, async ({ caller }) => {
      const rows = [...(await deps.userRooms.of(caller.user)).values()];
      const joined = rows.filter(({ membership }) => membership === 'join').map(({ room }) => room);
      return { joined_rooms: [...(await deps.names.texts(joined)).values()] };
    }),
  ];
}

async function readerFor({ ignoredUsers }: StateRouteDeps, caller: Caller): Promise<Reader> {
  return readerOf(caller, await ignoredUsers.of(caller.user));
}

async function oneStateEvent(
  deps: StateRouteDeps,
  caller: Caller,
  roomId: string,
  [type, stateKey]: readonly [string, string],
  format: 'content' | 'event' | undefined,
): Promise<RawJson> {
  const access = await roomAccess(deps, roomId, caller.user);
  const typeNum = await deps.names.find(type);
  const keyNum = await deps.names.find(stateKey);
  const root = await visibleState(deps, access);
  const keys = typeNum === undefined || keyNum === undefined ? [] : [{ type: typeNum, stateKey: keyNum }];
  const [found = []] = await deps.states.lookupMany([root], keys);
  const event = found[0] === undefined ? undefined : await deps.events.one(found[0]);
  if (event === undefined) throw notFound('The room has no such state');
  if (format !== 'event') {
    const redacted = await redactedCopies(deps, caller.user, [event]);
    return new RawJson((redacted.get(event.num) ?? event).contentText);
  }
  const [text = ''] = await hydrateState(deps, await readerFor(deps, caller), [event], MODERN_FORMAT);
  return new RawJson(text);
}
