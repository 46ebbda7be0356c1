import type { RoomAccess, RoomReaders } from '../rooms/access.ts';
import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import type { Erasure } from './render/erasure.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly readers: RoomReaders;
  readonly erasure: Erasure;
}

/** Reads single state events that a user may see. */
export class VisibleState {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the event of a type and state key in the state that a user sees; `undefined` without such an event. Waits for a
   * member who is not known yet.
   * @throws MatrixError M_UNKNOWN if the whole state does not become known in time
   */
  async event(access: RoomAccess, type: string, stateKey: string): Promise<StoredEvent | undefined> {
    const found = await this.#find(access, type, stateKey);
    const waiting = found === undefined && type === 'm.room.member' ? this.#parts.readers.whole(access) : undefined;
    if (waiting === undefined) return found;
    await waiting;
    return this.#find(access, type, stateKey);
  }

  async #find(access: RoomAccess, type: string, stateKey: string): Promise<StoredEvent | undefined> {
    const { names, events, states, readers } = this.#parts;
    const nums = await names.findAll([type, stateKey]);
    const [typeNum, stateKeyNum] = [nums.get(type), nums.get(stateKey)];
    if (typeNum === undefined || stateKeyNum === undefined) return undefined;
    const root = await readers.state(access);
    const [found = []] = await states.lookupMany([root], [{ type: typeNum, stateKey: stateKeyNum }]);
    return found[0] === undefined ? undefined : events.one(found[0]);
  }

  /** Returns the JSON text of an event's content, redacted if the event is erased for the user. */
  async contentText(user: number, event: StoredEvent): Promise<string> {
    const redacted = await this.#parts.erasure.copiesFor(user, [event]);
    return (redacted.get(event.num) ?? event).contentText;
  }
}
