import { forbidden, incompatibleRoomVersion, invalidParam } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Head } from '../head.ts';
import type { Templates } from '../remote/templates.ts';
import type { AskingServers } from './asking-servers.ts';
import type { RestrictedGrants } from './restricted-grants.ts';

/** The memberships that a server outside of a room may ask for. */
export type AskedMembership = 'join' | 'leave' | 'knock';

interface TemplateParts {
  readonly asking: AskingServers;
  readonly grants: RestrictedGrants;
  readonly templates: Templates;
  readonly serverName: string;
  readonly clock: Clock;
}

/** A member event that a user of another server wants to send. */
export interface TemplateQuery {
  readonly server: string;
  readonly roomId: string;
  readonly userId: string;
  /** The room versions that the server supports; undefined if they do not matter. */
  readonly versions?: readonly string[];
}

/** Makes templates of member events for servers that are not in a room (server-server API, "Joining Rooms"). */
export class MemberTemplates {
  readonly #parts: TemplateParts;

  constructor(parts: TemplateParts) {
    this.#parts = parts;
  }

  /**
   * Returns the version of the room and the template. The rules permit the event at this moment.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_INVALID_PARAM, M_INCOMPATIBLE_ROOM_VERSION,
   *   M_UNABLE_TO_AUTHORISE_JOIN, M_UNABLE_TO_GRANT_JOIN
   */
  async make(membership: AskedMembership, { server, roomId, userId, versions }: TemplateQuery): Promise<JsonObject> {
    const { asking, grants } = this.#parts;
    if (parseUserId(userId) === undefined) throw invalidParam('The user id is not valid');
    if (domainOf(userId) !== server) throw forbidden('The user is not a user of your server');
    const head = await (membership === 'leave' ? asking.permitted(roomId, server) : asking.whole(roomId, server));
    if (versions !== undefined && !versions.includes(head.version.id)) throw incompatibleRoomVersion(head.version.id);
    const authoriser = membership === 'join' ? await grants.authoriser(head, userId) : undefined;
    const content = {
      membership,
      ...(authoriser !== undefined && { join_authorised_via_users_server: authoriser }),
    };
    return { room_version: head.version.id, event: await this.#template(head, userId, content) };
  }

  async #template(head: Head, userId: string, content: JsonObject): Promise<JsonObject> {
    const { templates, serverName, clock } = this.#parts;
    const member = { type: 'm.room.member', sender: userId, stateKey: userId, content };
    return {
      ...(await templates.place(head, member)),
      content,
      origin: serverName,
      origin_server_ts: clock.now(),
      room_id: head.roomId,
      sender: userId,
      state_key: userId,
      type: 'm.room.member',
    };
  }
}
