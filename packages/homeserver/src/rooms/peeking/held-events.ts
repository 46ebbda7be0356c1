import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** The number of events that are held back for one room. Later events lead to those that are lost. */
const HELD_MAX = 200;

/** The events that a server sends of a room before its answer to the request to peek has been stored (MSC2444). */
export class HeldEvents {
  readonly #rooms = new Map<string, { readonly server: string; readonly events: JsonObject[] }>();

  /** Begins to hold back the events that a server sends of a room. */
  begin(roomId: string, server: string): void {
    this.#rooms.set(roomId, { server, events: [] });
  }

  /** Holds an event back. Returns false for an event of another room or server. */
  hold(roomId: string, server: string, event: JsonObject): boolean {
    const held = this.#rooms.get(roomId);
    if (held?.server !== server) return false;
    if (held.events.length < HELD_MAX) held.events.push(event);
    return true;
  }

  /** Returns the events of a room, and holds no more of them back. */
  end(roomId: string): readonly JsonObject[] {
    const held = this.#rooms.get(roomId);
    this.#rooms.delete(roomId);
    return held?.events ?? [];
  }
}
