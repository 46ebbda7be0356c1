import { forbidden, invalidParam, unknown } from '@hearth/protocol/errors.ts';
import { type Pdu, prevEventIds } from '@hearth/protocol/events/event.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { countersignPdu } from '@hearth/protocol/signing/pdu.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Signer } from '../events/signer.ts';
import type { Head } from '../head.ts';
import type { EventSignatures } from '../receive/event-signatures.ts';
import { readIncoming } from '../receive/incoming.ts';
import type { Receiver } from '../receive/receive.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { Templates } from '../remote/templates.ts';
import type { AskingServers } from './asking-servers.ts';
import type { AskedMembership } from './member-templates.ts';
import type { RestrictedGrants } from './restricted-grants.ts';

/** A function that sends an event of another server to the other servers in its room. */
export type AlsoSend = (event: StoredEvent) => Promise<void>;

interface ReceivedParts {
  readonly asking: AskingServers;
  readonly grants: RestrictedGrants;
  readonly signatures: EventSignatures;
  readonly signer: Signer;
  readonly receiver: Pick<Receiver, 'receive'>;
  readonly templates: Templates;
  readonly alsoSend: AlsoSend;
}

/** A member event that another server has made from a template. */
export interface SentMember {
  readonly server: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly pdu: JsonObject;
}

/** An accepted member event, with the signature of this server if it authorises a restricted join. */
export interface AcceptedMember {
  readonly event: StoredEvent;
  readonly pdu: Pdu;
}

/** Accepts the member events of servers that are not in a room (server-server API, "Joining Rooms"). */
export class ReceivedMembers {
  readonly #parts: ReceivedParts;

  constructor(parts: ReceivedParts) {
    this.#parts = parts;
  }

  /** Returns the head of a room into which a user comes. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
  headOf({ server, roomId }: SentMember): Promise<Head> {
    return this.#parts.asking.whole(roomId, server);
  }

  /** Accepts a leave. @throws MatrixError as {@link accept} */
  async leave(sent: SentMember): Promise<void> {
    await this.accept(await this.#parts.asking.permitted(sent.roomId, sent.server), 'leave', sent);
  }

  /** Accepts a knock. Returns the state that the user may see. @throws MatrixError as {@link accept} */
  async knock(sent: SentMember): Promise<JsonObject[]> {
    const head = await this.headOf(sent);
    await this.accept(head, 'knock', sent);
    return this.#parts.templates.strippedState(head);
  }

  /**
   * Verifies a member event, accepts it and sends it to the other servers in the room.
   * @throws MatrixError M_INVALID_PARAM, M_FORBIDDEN, M_UNABLE_TO_AUTHORISE_JOIN, M_UNABLE_TO_GRANT_JOIN
   */
  async accept(head: Head, membership: AskedMembership, sent: SentMember): Promise<AcceptedMember> {
    const { asking, signatures, alsoSend } = this.#parts;
    const { version } = head;
    const { incoming, refusal } = readIncoming(sent.pdu, version);
    if (refusal !== undefined) throw invalidParam(`The event is not valid: ${refusal}`);
    if (incoming.eventId !== sent.eventId) throw invalidParam('The event has another id than the path');
    if (incoming.roomId !== head.roomId) throw invalidParam('The event belongs to another room');
    checkMember(incoming.pdu, membership, sent.server);
    const prev = prevEventIds(incoming.pdu, version);
    if (prev.length === 0 || (await asking.areElsewhere(head, prev)))
      throw invalidParam('The event does not follow events of the room');
    const pdu = await this.#countersigned(head, incoming.pdu);
    const unsigned = await signatures.refusal({ pdu }, version);
    if (unsigned !== undefined) throw invalidParam(`The event is not valid: ${unsigned.message}`);
    const event = await this.#receive(head, pdu, sent.server);
    await alsoSend(event);
    return { event, pdu };
  }

  /** @throws MatrixError M_FORBIDDEN if the rules refuse the event at its place in the graph or now */
  async #receive(head: Head, pdu: Pdu, server: string): Promise<StoredEvent> {
    try {
      const event = await this.#parts.receiver.receive(head, pdu, server);
      if (event.standing !== STANDING.accepted) throw forbidden('The room does not permit this change of membership');
      return event;
    } catch (error) {
      if (error instanceof NotReceived) throw forbidden(`The event cannot be accepted: ${error.message}`);
      if (error instanceof FederationError)
        throw unknown('The events that your event refers to are not available', 502);
      throw error;
    }
  }

  /**
   * Adds the signature of this server to a join that one of its users authorises, after checking that the condition for
   * the join is met. The sender might never have asked for a template.
   */
  async #countersigned(head: Head, pdu: Pdu): Promise<Pdu> {
    const { grants, signer } = this.#parts;
    const authoriser = asString(pdu.content.join_authorised_via_users_server);
    if (authoriser === undefined || domainOf(authoriser) !== signer.serverName) return pdu;
    if (!head.version.restrictedJoin || pdu.content.membership !== 'join') return pdu;
    await grants.authoriser(head, pdu.sender);
    return countersignPdu(pdu, head.version, signer.serverName, signer.key);
  }
}

/** @throws MatrixError M_INVALID_PARAM if an event is not a member event that its sender's server may send */
function checkMember({ type, sender, state_key: target, content }: Pdu, membership: string, server: string): void {
  if (type !== 'm.room.member' || content.membership !== membership)
    throw invalidParam(`The event does not change a membership to ${membership}`);
  if (target !== sender) throw invalidParam('The event concerns another user than its sender');
  if (domainOf(sender) !== server) throw invalidParam('The sender is not a user of your server');
}
