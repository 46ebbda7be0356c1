import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Actor } from '../actor.ts';
import type { Head } from '../head.ts';

/** Changes of memberships that need other servers. A server that does not federate has none. All methods throw MatrixErrors. */
export interface RemoteMemberships {
  /**
   * Returns whether this server decides about memberships in the room, because it is in the room.
   * @param coming the id of a user who joins or knocks, whose membership it must know for that
   */
  decidesHere(head: Head, coming?: string): Promise<boolean>;
  /** @param servers names of servers that may be in the room, those to try first at the beginning */
  join(roomId: string, actor: Actor, content: JsonObject, servers: readonly string[]): Promise<void>;
  knock(roomId: string, actor: Actor, content: JsonObject, servers: readonly string[]): Promise<void>;
  /** Rejects an invite to a room, or takes a knock back, in which no user of this server has joined. */
  leave(head: Head, actor: Actor, content: JsonObject): Promise<void>;
  /** Invites a user of another server. */
  invite(head: Head, sender: string, target: string, content: JsonObject): Promise<StoredEvent>;
}
