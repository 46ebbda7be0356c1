import { forbidden, incompatibleRoomVersion, invalidParam } from '@hearth/protocol/errors.ts';
import type { Pdu } from '@hearth/protocol/events/event.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { countersignPdu } from '@hearth/protocol/signing/pdu.ts';
import type { Signer } from '../events/signer.ts';
import type { Heads } from '../heads.ts';
import { type BlocksInvites, checkInvites } from '../membership/invites.ts';
import { aclPermits } from '../receive/acl.ts';
import type { EventSignatures } from '../receive/event-signatures.ts';
import { readIncoming } from '../receive/incoming.ts';
import type { RemoteInvites } from '../remote/remote-invites.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import { strippedEvents } from '../remote/stripped-events.ts';
import { checkInviteState } from './invite-state.ts';

/** The facts about users of this server that decide whether they can be invited. */
export interface InvitedUsers {
  readonly isActive: (userId: string) => Promise<boolean>;
  readonly blocksInvites: BlocksInvites;
}

interface InvitesParts {
  readonly rooms: { readonly heads: Heads; readonly servers: ServersInRooms };
  readonly signatures: EventSignatures;
  readonly signer: Signer;
  readonly users: InvitedUsers;
  readonly invites: Pick<RemoteInvites, 'receive'>;
  /** Whether events that show the room must be complete and signed (MSC4311). */
  readonly isStateStrict: boolean;
}

/** An invite that another server has sent. */
export interface SentInvite {
  readonly server: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly versionId: string;
  readonly event: JsonObject;
  /** `invite_room_state`. */
  readonly state: readonly JsonObject[];
}

/** Invites of users of this server by users of other servers (server-server API, "Inviting to a room"). */
export class ReceivedInvites {
  readonly #parts: InvitesParts;

  constructor(parts: InvitesParts) {
    this.#parts = parts;
  }

  /**
   * Verifies an invite and stores it for the invited user. Returns the event with the signature of this server.
   * @throws MatrixError M_INCOMPATIBLE_ROOM_VERSION, M_INVALID_PARAM, M_FORBIDDEN, M_INVITE_BLOCKED
   */
  async receive(sent: SentInvite): Promise<JsonObject> {
    const { signatures, signer, invites, isStateStrict } = this.#parts;
    const { event, state } = sent;
    const version = roomVersion(sent.versionId);
    if (version === undefined) throw incompatibleRoomVersion(sent.versionId);
    const { incoming, refusal } = readIncoming(event, version);
    if (refusal !== undefined) throw invalidParam(`The event is not valid: ${refusal}`);
    if (incoming.eventId !== sent.eventId) throw invalidParam('The event has another id than the path');
    if (incoming.roomId !== sent.roomId) throw invalidParam('The event belongs to another room');
    checkInvite(incoming.pdu, sent.server, signer.serverName);
    await this.#checkRoom(sent);
    await this.#checkUser(incoming.pdu.state_key ?? '', incoming.pdu.sender);
    await checkInviteState(state, { roomId: sent.roomId, version }, isStateStrict ? signatures : undefined);
    const unsigned = await signatures.refusal(incoming, version);
    if (unsigned !== undefined) throw invalidParam(`The event is not valid: ${unsigned.message}`);
    const pdu = countersignPdu(incoming.pdu, version, signer.serverName, signer.key);
    await invites.receive({ incoming: { ...incoming, pdu }, version, strippedState: strippedEvents(state) });
    return { ...event, signatures: pdu.signatures };
  }

  /** Checks an invite to a room that this server is in. @throws MatrixError M_INVALID_PARAM, M_FORBIDDEN */
  async #checkRoom({ server, roomId, versionId }: SentInvite): Promise<void> {
    const { heads, servers } = this.#parts.rooms;
    const head = await heads.find(roomId);
    if (head === undefined) return;
    if (head.version.id !== versionId) throw invalidParam('The room has another version');
    // The access control list of a room that this server has left may have changed.
    if (!(await servers.isLocal(head))) return;
    if (!(await aclPermits(head, server))) throw forbidden('The room does not permit your server');
  }

  /** @throws MatrixError M_FORBIDDEN, M_INVITE_BLOCKED */
  async #checkUser(userId: string, inviter: string): Promise<void> {
    const { isActive, blocksInvites } = this.#parts.users;
    if (!(await isActive(userId))) throw forbidden(`${userId} cannot be invited`);
    await checkInvites(blocksInvites, inviter, [userId]);
  }
}

/** @throws MatrixError M_INVALID_PARAM if an event is not an invite of a user of this server by one of the other server */
function checkInvite({ type, sender, state_key: target, content }: Pdu, server: string, serverName: string): void {
  if (type !== 'm.room.member' || content.membership !== 'invite') throw invalidParam('The event is not an invite');
  if (domainOf(sender) !== server) throw invalidParam('The sender is not a user of your server');
  if (target === undefined || domainOf(target) !== serverName)
    throw invalidParam('The invited user is not a user of this server');
}
