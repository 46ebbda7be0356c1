import type { Caller } from '../../../packages/homeserver/src/http/route.ts';
import type { ClientEvent, SyncReply } from '../../support/user.ts';
import { Difference } from '../difference.ts';
import type { SimServer } from '../sim-server.ts';

/** A joined room in an answer to a request for the state after the timeline. */
type Section = NonNullable<NonNullable<SyncReply['rooms']>['join']>[string] & {
  readonly state_after?: { readonly events: ClientEvent[] };
};

/** A joined room as a client knows it. */
interface KnownRoom {
  /** The ids of the events in its timeline. */
  readonly seen: Set<string>;
  /** The ids of its state events, by type and state key. */
  readonly state: Map<string, string>;
}

/** A client that follows `/sync`, and that notes which events it has got. */
export class SyncClient {
  readonly caller: Caller;
  readonly server: SimServer;
  readonly #rooms = new Map<string, KnownRoom>();
  #since: string | undefined;

  constructor(server: SimServer, caller: Caller) {
    this.server = server;
    this.caller = caller;
  }

  get #memberKey(): string {
    return `m.room.member ${this.caller.userId}`;
  }

  /** Returns the state of a joined room as the client has computed it, in lines of text. */
  stateOf(roomId: string): string[] {
    return [...(this.#rooms.get(roomId)?.state ?? [])].map(([key, eventId]) => `${key} ${eventId}`).sort();
  }

  /** Reads everything that is new. @throws Difference if an event arrives twice */
  async sync(): Promise<void> {
    if (!this.server.isRunning) return;
    const query = { use_state_after: true, ...(this.#since !== undefined && { since: this.#since }) };
    const { status, json } = await this.server.call(this.caller, 'GET', '/sync', { query });
    if (status !== 200) throw new Difference(`/sync of ${this.caller.userId} answers ${status}`);
    const { next_batch: next, rooms } = json as unknown as SyncReply;
    this.#since = next;
    for (const [roomId, section] of Object.entries<Section>(rooms?.join ?? {})) this.#take(roomId, section);
    for (const roomId of Object.keys(rooms?.leave ?? {})) this.#rooms.delete(roomId);
  }

  #take(roomId: string, { timeline, state_after: state }: Section): void {
    const known = this.#rooms.get(roomId) ?? { seen: new Set(), state: new Map() };
    this.#rooms.set(roomId, known);
    const membership = known.state.get(this.#memberKey);
    for (const { type, state_key: key = '', event_id: eventId = '' } of state?.events ?? [])
      known.state.set(`${type} ${key}`, eventId);
    // The history before a new join may be repeated.
    if (timeline.limited === true && known.state.get(this.#memberKey) !== membership) known.seen.clear();
    for (const { event_id: eventId = '' } of timeline.events) {
      if (known.seen.has(eventId)) throw new Difference(`${this.caller.userId} has got ${eventId} twice`);
      known.seen.add(eventId);
    }
  }
}
