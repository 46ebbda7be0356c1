import { forbidden, invalidParam, MatrixError } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Acceptor } from '../accept.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { RemoteInvites } from '../remote/remote-invites.ts';
import type { AskingServers } from './asking-servers.ts';
import type { InvitedUsers } from './received-invites.ts';

interface ThirdPartyParts {
  readonly asking: AskingServers;
  readonly rooms: { readonly heads: Heads; readonly acceptor: Acceptor };
  readonly invites: Pick<RemoteInvites, 'invite'>;
  readonly client: Pick<FederationClient, 'request'>;
  readonly isActive: InvitedUsers['isActive'];
  readonly serverName: string;
  readonly log: Pick<Log, 'info'>;
}

/** An invite that an identity server has kept for a third-party identifier. */
export interface KeptInvite {
  readonly room_id: string;
  readonly sender: string;
  readonly signed: JsonObject;
}

/** The maximum number of invites of one identifier. */
const INVITES_MAX = 20;
const TIMEOUT_MS = 30_000;

/** Invites of third-party identifiers, such as mail addresses (server-server API, "Third-party invites"). */
export class ThirdPartyInvites {
  readonly #parts: ThirdPartyParts;

  constructor(parts: ThirdPartyParts) {
    this.#parts = parts;
  }

  /**
   * Invites a user of another server to whom an identifier belongs, in the name of the user of this server who has
   * invited the identifier.
   * @param event a member event without the members that follow from its place in the room
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_INVALID_PARAM
   */
  async exchange(server: string, roomId: string, event: JsonObject): Promise<void> {
    const { asking, invites, serverName } = this.#parts;
    const head = await asking.permitted(roomId, server);
    const signed = asObject(asObject(asObject(event.content)?.third_party_invite)?.signed);
    const [target, sender] = [asString(event.state_key), asString(event.sender)];
    const isInvite = event.type === 'm.room.member' && asObject(event.content)?.membership === 'invite';
    if (!isInvite || signed === undefined || target === undefined || sender === undefined || event.room_id !== roomId)
      throw invalidParam('The event is not a third-party invite to the room');
    if (domainOf(target) !== server) throw forbidden('The invited user is not a user of your server');
    if (domainOf(sender) !== serverName) throw forbidden('The inviting user is not a user of this server');
    await invites.invite(head, sender, target, await this.#content(head, signed));
  }

  /**
   * Accepts the invites of an identifier that now belongs to a user of this server. Invites that cannot be accepted are
   * skipped.
   * @throws MatrixError M_FORBIDDEN
   */
  async bound(userId: string, kept: readonly KeptInvite[]): Promise<void> {
    const { serverName, isActive } = this.#parts;
    if (domainOf(userId) !== serverName || !(await isActive(userId))) throw forbidden(`${userId} cannot be invited`);
    await Promise.all(
      kept.slice(0, INVITES_MAX).map(async (invite) => {
        try {
          await this.#accept(userId, invite);
        } catch (error) {
          if (!(error instanceof FederationError || error instanceof MatrixError)) throw error;
          this.#parts.log.info('a third-party invite was not accepted', {
            roomId: invite.room_id,
            reason: error.message,
          });
        }
      }),
    );
  }

  async #accept(userId: string, { room_id: roomId, sender, signed }: KeptInvite): Promise<void> {
    const { rooms, client, serverName } = this.#parts;
    const server = domainOf(sender) ?? '';
    if (server === serverName) {
      const head = await rooms.heads.get(roomId);
      const content = await this.#content(head, signed);
      await rooms.acceptor.accept(head, [{ type: 'm.room.member', stateKey: userId, sender, content }]);
      return;
    }
    const content = { membership: 'invite', third_party_invite: { display_name: '', signed } };
    const event = { type: 'm.room.member', room_id: roomId, sender, state_key: userId, content };
    const path = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(roomId)}`;
    await client.request(server, { method: 'PUT', path, content: event, timeoutMs: TIMEOUT_MS });
  }

  /** Returns the content of the invite. The rules verify its signature. @throws MatrixError M_FORBIDDEN */
  async #content(head: Head, signed: JsonObject): Promise<JsonObject> {
    const token = asString(signed.token);
    const invite = token === undefined ? undefined : await head.state('m.room.third_party_invite', token);
    if (invite === undefined) throw forbidden('The room has no such third-party invite');
    const displayName = asString(invite.content.display_name) ?? '';
    return { membership: 'invite', third_party_invite: { display_name: displayName, signed } };
  }
}
