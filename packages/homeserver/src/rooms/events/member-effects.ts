import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { RoomServers } from '../../storage/rooms/room-servers.ts';
import type { StateChange } from '../graph/state-changes.ts';
import type { Head } from '../head.ts';
import { type Effects, type EventEffects, type MemberChangeCause, membershipOf } from './effects.ts';

/** The effects of changed member events in the state of a room, whoever is the cause. */
export class MemberEffects {
  readonly #effects: EventEffects;
  readonly #roomServers: RoomServers;
  readonly #serverName: string;

  constructor(effects: EventEffects, roomServers: RoomServers, serverName: string) {
    this.#effects = effects;
    this.#roomServers = roomServers;
    this.#serverName = serverName;
  }

  /**
   * Adds the changes of memberships among changes of a state, and updates the head's members.
   * @param cause its event has the number 0 in the changes
   */
  add(head: Head, changes: readonly StateChange[], cause: MemberChangeCause, effects: Effects): void {
    for (const { stateKey, before, after: replacement } of changes) {
      const member = replacement ?? before;
      if (member?.type !== 'm.room.member') continue;
      const after = replacement?.num === 0 ? cause.event : replacement;
      this.#effects.addMemberChange(stateKey, { before, after, cause }, head, effects);
      const server = domainOf(member.stateKey ?? '');
      if (after === undefined || membershipOf(after) !== 'join' || server === undefined) continue;
      if (server !== this.#serverName) effects.writes.push(...this.#roomServers.insert(server, head.num));
    }
  }
}

/** Returns whether a change of a state removes a joined user. */
export function endsMembership({ before, after }: StateChange): boolean {
  if (before?.type !== 'm.room.member' || membershipOf(before) !== 'join') return false;
  return after === undefined || membershipOf(after) !== 'join';
}
