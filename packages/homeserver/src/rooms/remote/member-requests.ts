import { guestAccessForbidden, MatrixError } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Actor } from '../actor.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { RemoteMemberships } from '../membership/remote-memberships.ts';
import type { UserRooms } from '../membership/user-rooms.ts';
import type { PartialStates } from '../partial-state/partial-states.ts';
import type { IncomingEvent } from '../receive/incoming.ts';
import { type Handshakes, listIn } from './handshake.ts';
import type { KnownRooms } from './known-rooms.ts';
import type { OutsideMembers } from './outside-members.ts';
import type { OwnEvents } from './own-events.ts';
import type { RemoteInvites } from './remote-invites.ts';
import type { RemoteJoins } from './remote-join.ts';
import type { ServersInRooms } from './servers-in-room.ts';
import { strippedEvents } from './stripped-events.ts';

interface MemberRequestsParts {
  readonly handshakes: Handshakes;
  readonly joins: RemoteJoins;
  readonly invites: RemoteInvites;
  readonly own: { readonly events: OwnEvents; readonly outside: OutsideMembers; readonly knownRooms: KnownRooms };
  readonly rooms: { readonly heads: Heads; readonly userRooms: UserRooms; readonly events: EventStore };
  readonly servers: ServersInRooms;
  readonly partialStates: PartialStates;
}

/** Changes of memberships of users of this server that need other servers. */
export class MemberRequests implements RemoteMemberships {
  readonly #parts: MemberRequestsParts;

  constructor(parts: MemberRequestsParts) {
    this.#parts = parts;
  }

  async decidesHere(head: Head, coming?: string): Promise<boolean> {
    const { servers, partialStates } = this.#parts;
    if (!(await servers.decides(head))) return false;
    if (coming === undefined || partialStates.of(head.num) === undefined) return true;
    return (await head.state('m.room.member', coming)) !== undefined;
  }

  async join(roomId: string, actor: Actor, content: JsonObject, servers: readonly string[]): Promise<void> {
    if (actor.isGuest) throw guestAccessForbidden('Guests are not allowed to join rooms on other servers');
    const { rooms, joins } = this.#parts;
    const candidates = await this.#candidates(roomId, actor.user, servers);
    await joins.join({ roomId, userId: actor.userId, content, servers: candidates }, async () => {
      const head = await rooms.heads.find(roomId);
      return head?.joined.has(actor.user) === true;
    });
  }

  async knock(roomId: string, actor: Actor, content: JsonObject, servers: readonly string[]): Promise<void> {
    const { handshakes, own } = this.#parts;
    const candidates = await this.#candidates(roomId, actor.user, servers);
    await handshakes.withAny(candidates, 'knock', async (server) => {
      const { version, event } = await handshakes.make(server, 'knock', roomId, actor.userId);
      const knock = this.#member(roomId, version, actor.userId, content, event);
      const answer = await handshakes.send(server, 'knock', roomId, knock.eventId, knock.pdu);
      const head = await own.knownRooms.headOf(roomId, version);
      await own.outside.store(head, knock, strippedEvents(listIn(answer, 'knock_room_state')));
    });
  }

  async leave(head: Head, actor: Actor, content: JsonObject): Promise<void> {
    const { handshakes, own } = this.#parts;
    const { roomId } = head;
    const candidates = await this.#candidates(roomId, actor.user, []);
    const member = await this.#memberEvent(head, actor.user);
    try {
      await handshakes.withAny(candidates, 'leave', async (server) => {
        const { version, event } = await handshakes.make(server, 'leave', roomId, actor.userId);
        const leave = this.#member(roomId, version, actor.userId, content, event);
        await handshakes.send(server, 'leave', roomId, leave.eventId, leave.pdu);
        await own.outside.store(head, leave);
      });
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      // The user leaves even if no server of the room answers.
      const prev = member === undefined || head.version.eventIdFormat === 'v1' ? [] : [member.eventId];
      const place = { auth_events: prev, prev_events: prev, depth: (member?.depth ?? 0) + 1 };
      await own.outside.store(head, this.#member(roomId, head.version, actor.userId, content, place));
    }
  }

  invite(head: Head, sender: string, target: string, content: JsonObject): Promise<StoredEvent> {
    return this.#parts.invites.invite(head, sender, target, content);
  }

  #member(roomId: string, version: RoomVersion, userId: string, content: JsonObject, place: JsonObject): IncomingEvent {
    return this.#parts.own.events.member({ roomId, version, sender: userId, target: userId, content, place });
  }

  async #memberEvent(head: Head, user: number): Promise<StoredEvent | undefined> {
    const { userRooms, events } = this.#parts.rooms;
    const row = await userRooms.one(user, head.num);
    return row === undefined ? undefined : events.one(row.event);
  }

  /**
   * Returns the servers to ask: those that the client names and that of the user who has sent the invite. If the client
   * names none, also that in the room id, and those of the members when this server was last in the room.
   */
  async #candidates(roomId: string, user: number, named: readonly string[]): Promise<string[]> {
    const { rooms, servers, own } = this.#parts;
    const others = named.filter((server) => server !== own.events.serverName);
    const head = await rooms.heads.find(roomId);
    const invite = head === undefined ? undefined : await this.#memberEvent(head, user);
    const known = head === undefined ? [] : await servers.others(head);
    const inRoomId = domainOf(roomId);
    const guessed = [...(inRoomId === undefined ? [] : [inRoomId]), ...known];
    const all = [
      ...others,
      ...(invite === undefined ? [] : [domainOf(invite.sender) ?? '']),
      ...(others.length > 0 ? [] : guessed),
    ];
    return [...new Set(all)].filter((server) => server !== own.events.serverName);
  }
}
