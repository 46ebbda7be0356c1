import { forbidden, inviteBlocked, unknown } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { remoteFailure } from '../../federation/client/remote-failure.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { EventSignatures } from '../receive/event-signatures.ts';
import { type IncomingEvent, readIncoming } from '../receive/incoming.ts';
import type { Receiver } from '../receive/receive.ts';
import type { KnownRooms } from './known-rooms.ts';
import type { OutsideMembers } from './outside-members.ts';
import type { OwnEvents } from './own-events.ts';
import type { ServersInRooms } from './servers-in-room.ts';
import type { Templates } from './templates.ts';

interface RemoteInvitesParts {
  readonly client: Pick<FederationClient, 'request'>;
  readonly receiver: Receiver;
  readonly signatures: EventSignatures;
  readonly templates: Templates;
  readonly own: { readonly events: OwnEvents; readonly outside: OutsideMembers; readonly knownRooms: KnownRooms };
  readonly servers: ServersInRooms;
}

/** An invite of a user of this server, which this server has checked and signed. */
export interface ReceivedInvite {
  readonly incoming: IncomingEvent;
  readonly version: RoomVersion;
  /** The events of `invite_room_state` in the stripped form. */
  readonly strippedState: readonly JsonObject[];
}

const TIMEOUT_MS = 30_000;

/** Invites between users of different servers (server-server API, "Inviting to a room"). */
export class RemoteInvites {
  readonly #parts: RemoteInvitesParts;

  constructor(parts: RemoteInvitesParts) {
    this.#parts = parts;
  }

  /** Stores an invite of a user of this server by a user of another. */
  async receive({ incoming, version, strippedState }: ReceivedInvite): Promise<void> {
    const { own, servers } = this.#parts;
    const head = await own.knownRooms.headOf(incoming.roomId, version);
    // A server in the room gets the invite as an event of the room, too.
    if (await servers.isLocal(head)) return;
    await own.outside.store(head, incoming, strippedState);
  }

  /**
   * Invites a user of another server: asks that server for its signature and accepts the event.
   * @throws MatrixError
   */
  async invite(head: Head, sender: string, target: string, content: JsonObject): Promise<StoredEvent> {
    const { receiver, templates, own } = this.#parts;
    const server = domainOf(target) ?? '';
    const place = await templates.place(head, { type: 'm.room.member', stateKey: target, sender, content });
    const invite = own.events.member({ roomId: head.roomId, version: head.version, sender, target, content, place });
    const answer = await this.#ask(server, head, invite);
    const { incoming } = readIncoming(asObject(answer.event), head.version);
    const isSigned =
      incoming?.eventId === invite.eventId &&
      (await this.#parts.signatures.isSignedBy(incoming.pdu, head.version, server));
    if (!isSigned) throw unknown(`${server} has not signed the invite`, 502);
    const event = await receiver.receive(head, incoming.pdu, own.events.serverName);
    if (event.seq === null) throw forbidden('The room no longer permits this invite');
    return event;
  }

  async #ask(server: string, head: Head, { pdu, eventId }: IncomingEvent): Promise<JsonObject> {
    const { client, templates } = this.#parts;
    const content = {
      event: pdu,
      room_version: head.version.id,
      invite_room_state: [...(await templates.strippedState(head, pdu.sender))],
    };
    const path = `/_matrix/federation/v2/invite/${encodeURIComponent(head.roomId)}/${encodeURIComponent(eventId)}`;
    try {
      return await client.request(server, { method: 'PUT', path, content, timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (error instanceof FederationError && error.errcode === 'M_INVITE_BLOCKED')
        throw inviteBlocked(`${pdu.state_key} does not accept this invite`);
      throw remoteFailure(error, server);
    }
  }
}
