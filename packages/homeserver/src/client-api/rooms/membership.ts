import { ban } from '@hearth/api/client/room-membership/ban.ts';
import { forgetRoom } from '@hearth/api/client/room-membership/forget.ts';
import { inviteUser } from '@hearth/api/client/room-membership/invite.ts';
import { joinRoom, joinRoomById } from '@hearth/api/client/room-membership/join.ts';
import { kick } from '@hearth/api/client/room-membership/kick.ts';
import { knockRoom } from '@hearth/api/client/room-membership/knock.ts';
import { leaveRoom } from '@hearth/api/client/room-membership/leave.ts';
import { unban } from '@hearth/api/client/room-membership/unban.ts';
import { forbidden, invalidParam, notFound, threepidDenied } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';

export interface MembershipRouteDeps {
  readonly heads: Heads;
  readonly aliases: Aliases;
  readonly joining: Memberships;
}

/** Returns the routes that change memberships. */
export function membershipRoutes(deps: MembershipRouteDeps): Route[] {
  const { heads, joining } = deps;
  const known = async (roomId: string) => {
    const head = await heads.find(roomId);
    if (head === undefined) throw forbidden('You are not in this room');
    return head;
  };
  return [
    route(joinRoomById, async ({ params, body, caller }) => {
      const head = await heads.get(params.roomId);
      await joining.join(head, caller, joinContent(body));
      return { room_id: head.roomId };
    }),
    route(joinRoom, async ({ params, body, caller }) => {
      const head = await byIdOrAlias(deps, params.roomIdOrAlias);
      await joining.join(head, caller, joinContent(body));
      return { room_id: head.roomId };
    }),
    route(knockRoom, async ({ params, body, caller }) => {
      const head = await byIdOrAlias(deps, params.roomIdOrAlias);
      await joining.knock(head, caller, body.reason);
      return { room_id: head.roomId };
    }),
    route(leaveRoom, async ({ params, body, caller }) => {
      await joining.leave(await known(params.roomId), caller, body.reason);
      return {};
    }),
    route(forgetRoom, async ({ params, caller }) => {
      await joining.forget(await known(params.roomId), caller);
      return {};
    }),
    route(inviteUser, async ({ params, body, caller }) => {
      if ('medium' in body) throw threepidDenied('This server knows no third-party identifiers');
      await joining.invite(await known(params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
    route(kick, async ({ params, body, caller }) => {
      await joining.kick(await known(params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
    route(ban, async ({ params, body, caller }) => {
      await joining.ban(await known(params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
    route(unban, async ({ params, body, caller }) => {
      await joining.unban(await known(params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
  ];
}

/** Returns the members of a body that become part of the caller's member event. */
function joinContent(body: { readonly [key: string]: unknown }): JsonObject {
  const { third_party_signed: _signed, join_authorised_via_users_server: _via, ...content } = body;
  return content as JsonObject;
}

/**
 * Finds a room by its id or alias. @throws MatrixError M_NOT_FOUND for an unknown alias or room, M_INVALID_PARAM for
 * another text
 */
export async function byIdOrAlias(
  { heads, aliases }: Pick<MembershipRouteDeps, 'heads' | 'aliases'>,
  idOrAlias: string,
): Promise<Head> {
  if (idOrAlias.startsWith('!')) return heads.get(idOrAlias);
  if (!idOrAlias.startsWith('#')) throw invalidParam('Neither a room id nor an alias');
  const alias = await aliases.find(idOrAlias);
  const head = alias === undefined ? undefined : await heads.byNum(alias.room);
  if (head === undefined) throw notFound(`There is no alias ${idOrAlias}`);
  return head;
}
