import { authEventIds } from '@hearth/protocol/events/event.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { UserRooms } from '../membership/user-rooms.ts';
import type { OutsideMembers } from '../remote/outside-members.ts';
import type { EventSignatures } from './event-signatures.ts';
import type { IncomingEvent } from './incoming.ts';

interface OutsideChangesParts {
  readonly names: Names;
  readonly events: EventStore;
  readonly userRooms: UserRooms;
  readonly signatures: EventSignatures;
  readonly outside: OutsideMembers;
  readonly serverName: string;
}

/**
 * Receives events that end an invite or a knock of a user of this server, in rooms in which this server is not. The rules
 * of the room cannot be applied, because its state is not known.
 */
export class OutsideChanges {
  readonly #parts: OutsideChangesParts;

  constructor(parts: OutsideChangesParts) {
    this.#parts = parts;
  }

  /**
   * Stores an event that ends an invite or a knock. Returns false for other events. Only the user who has sent an invite
   * may take it back.
   */
  async receive(head: Head, incoming: IncomingEvent, origin: string): Promise<boolean> {
    const { type, sender, state_key: target, content } = incoming.pdu;
    if (type !== 'm.room.member' || target === undefined || domainOf(target) !== this.#parts.serverName) return false;
    if (content.membership !== 'leave' && content.membership !== 'ban') return false;
    const { names, userRooms, events, signatures, outside } = this.#parts;
    const user = await names.find(target);
    const row = user === undefined ? undefined : await userRooms.one(user, head.num);
    if (row === undefined || (row.membership !== 'invite' && row.membership !== 'knock')) return false;
    const current = await events.one(row.event);
    const isEntitled = row.membership === 'invite' ? current?.sender === sender : domainOf(sender) === origin;
    if (
      !isEntitled ||
      !isAfter(head, incoming, current) ||
      (await signatures.refusal(incoming, head.version)) !== undefined
    )
      return false;
    await outside.store(head, incoming);
    return true;
  }
}

/**
 * Returns whether an event follows the member event that it ends. An older one, such as the end of a ban before an invite,
 * may arrive later, because invites do not wait for transactions.
 */
function isAfter({ version }: Head, { pdu }: IncomingEvent, current: StoredEvent | undefined): boolean {
  if (current === undefined || authEventIds(pdu, version).includes(current.eventId)) return true;
  return pdu.depth > current.depth;
}
