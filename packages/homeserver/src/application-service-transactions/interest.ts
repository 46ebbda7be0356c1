import type { ApplicationService } from '../application-services/registration.ts';
import type { Aliases } from '../rooms/aliases.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Membership } from '../rooms/membership/membership-view.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { ServiceUsers } from './service-users.ts';

interface InterestParts {
  readonly users: ServiceUsers;
  readonly heads: Heads;
  readonly aliases: Aliases;
  readonly membership: Pick<Membership, 'joinedRooms'>;
}

/** The number of a user's rooms that are searched for users of an application service. */
const ROOMS_MAX = 200;

/** Decides what an application service gets (application service API, "Registration", "Pushing ephemeral data"). */
export class Interest {
  readonly #parts: InterestParts;

  constructor(parts: InterestParts) {
    this.#parts = parts;
  }

  /** Returns whether an application service gets an event. */
  async inEvent(service: ApplicationService, event: StoredEvent): Promise<boolean> {
    const { users } = this.#parts;
    users.learnFrom(event);
    const own = users.of(service);
    const isTarget = event.type === 'm.room.member' && event.stateKeyNum !== null && own.has(event.stateKeyNum);
    return isTarget || own.has(event.senderNum) || (await this.inRoom(service, event.room));
  }

  /** Returns whether an application service gets everything that happens in a room. */
  async inRoom(service: ApplicationService, room: number): Promise<boolean> {
    const { users, heads, aliases } = this.#parts;
    const head = await heads.byNum(room);
    if (head === undefined) return false;
    if (service.rooms.has(head.roomId) || !users.of(service).isDisjointFrom(head.joined)) return true;
    if (service.aliases.isEmpty) return false;
    return (await aliases.ofRoom(room)).some(({ alias }) => service.aliases.has(alias));
  }

  /** Returns whether an application service gets the presence of a user. */
  async inUser(service: ApplicationService, user: number): Promise<boolean> {
    const { users, membership, heads } = this.#parts;
    const own = users.of(service);
    if (own.has(user)) return true;
    const rooms = [...(await membership.joinedRooms(user))].slice(0, ROOMS_MAX);
    for (const room of rooms) {
      const head = await heads.byNum(room);
      if (head !== undefined && !own.isDisjointFrom(head.joined)) return true;
    }
    return false;
  }
}
