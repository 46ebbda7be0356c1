import { MatrixError } from '@hearth/protocol/errors.ts';
import type { Acceptor } from '../accept.ts';
import { Basis } from '../events/basis.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import { type MemberProfile, memberContent, type ProfileOf } from './member-content.ts';
import type { UserRooms } from './user-rooms.ts';

/** The profiles in member events. */
export class MemberProfiles {
  readonly #acceptor: Acceptor;
  readonly #heads: Heads;
  readonly #userRooms: UserRooms;
  readonly #profileOf: ProfileOf;

  constructor(acceptor: Acceptor, heads: Heads, userRooms: UserRooms, profileOf: ProfileOf) {
    this.#acceptor = acceptor;
    this.#heads = heads;
    this.#userRooms = userRooms;
    this.#profileOf = profileOf;
  }

  /** Updates the member events of every room that the user has joined to a changed profile. */
  async profileChanged(userId: string, user: number): Promise<void> {
    const rooms = await this.#userRooms.of(user);
    const profile = await this.#profileOf(userId);
    for (const row of rooms.values()) {
      if (row.membership !== 'join') continue;
      const head = await this.#heads.byNum(row.room);
      if (head === undefined) continue;
      try {
        await this.#setProfile(head, userId, profile);
      } catch (error) {
        // A room whose rules refuse the change does not prevent the change in other rooms.
        if (!(error instanceof MatrixError)) throw error;
      }
    }
  }

  /** Changes a member event unless the user has left, so that a concurrent removal is not undone. */
  async #setProfile(head: Head, userId: string, profile: MemberProfile): Promise<void> {
    await this.#acceptor.untilAccepted(head, async (current) => {
      const member = await current.state('m.room.member', userId);
      if (member?.content.membership !== 'join') return null;
      const {
        displayname: _name,
        avatar_url: _avatar,
        join_authorised_via_users_server: _via,
        ...rest
      } = member.content;
      const content = { ...rest, ...memberContent('join', profile) };
      const draft = { type: 'm.room.member', stateKey: userId, sender: userId, content };
      const basis = new Basis([[['m.room.member', userId], member]]);
      const [event] = await this.#acceptor.accept(current, [draft], { basis });
      return event;
    });
  }
}
