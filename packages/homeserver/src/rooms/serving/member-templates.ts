import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { forbidden, incompatibleRoomVersion, invalidParam } from '@hearth/protocol/errors.ts';
import { PREV_EVENTS_MAX } from '@hearth/protocol/events/shape.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../../platform/clock.ts';
import { references } from '../events/build.ts';
import { type Head, toAuthEvent } from '../head.ts';
import type { AskingServers } from './asking-servers.ts';
import type { RestrictedGrants } from './restricted-grants.ts';

/** The memberships that a server outside of a room may ask for. */
export type AskedMembership = 'join' | 'leave' | 'knock';

interface TemplateParts {
  readonly asking: AskingServers;
  readonly grants: RestrictedGrants;
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
    const head = await asking.permitted(roomId, server);
    if (versions !== undefined && !versions.includes(head.version.id)) throw incompatibleRoomVersion(head.version.id);
    const authoriser = membership === 'join' ? await grants.authoriser(head, userId) : undefined;
    const content = {
      membership,
      ...(authoriser !== undefined && { join_authorised_via_users_server: authoriser }),
    };
    return { room_version: head.version.id, event: await this.#template(head, userId, content) };
  }

  async #template(head: Head, userId: string, content: JsonObject): Promise<JsonObject> {
    const { version, roomId } = head;
    const member = { type: 'm.room.member', sender: userId, stateKey: userId, content };
    const keys = authEventKeys(member, version);
    // The events that the template refers to must be stored.
    await head.pending;
    await head.ensure([['m.room.create', ''], ...keys]);
    const prev = head.extremities.toSorted((a, b) => b.depth - a.depth).slice(0, PREV_EVENTS_MAX);
    const auth = keys.flatMap(([type, key]) => head.known(type, key) ?? []);
    const depth = Math.min(head.row.depth + 1, Number.MAX_SAFE_INTEGER);
    const originServerTs = this.#parts.clock.now();
    const prevEvents = prev.map(({ eventId }) => eventId);
    const form = { ...member, eventId: '', roomId, originServerTs, depth, authEvents: [], prevEvents };
    const state = (type: string, key: string) => {
      const event = head.known(type, key);
      return event === undefined ? undefined : toAuthEvent(event);
    };
    const refusal = authorise(form, state, version);
    if (refusal !== undefined) throw forbidden(refusal);
    return {
      auth_events: references(auth, version),
      content,
      depth,
      origin: this.#parts.serverName,
      origin_server_ts: originServerTs,
      prev_events: references(prev, version),
      room_id: roomId,
      sender: userId,
      state_key: userId,
      type: 'm.room.member',
    };
  }
}
