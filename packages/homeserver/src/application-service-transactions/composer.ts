import type { ApplicationService } from '../application-services/registration.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { Unavailable } from '../platform/unavailable.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import { clientEvent, MODERN_FORMAT } from '../timeline/render/client-form.ts';
import type { EphemeralData } from './ephemeral.ts';
import type { Interest } from './interest.ts';

interface ComposerParts {
  readonly stream: Stream;
  readonly timelines: TimelineStore;
  readonly events: EventStore;
  readonly interest: Interest;
  readonly ephemeral: EphemeralData;
  readonly clock: Clock;
  readonly background: Pick<Background, 'setAside'>;
}

/** The next transaction for an application service. */
export interface Composed {
  /** The position up to which the events of the stream have been examined. */
  readonly position: number;
  /** The body of the transaction as JSON text; undefined if there is nothing to send. */
  readonly body: string | undefined;
}

const EVENTS_MAX = 100;
/** The length of the events of a transaction in characters, which the last event may exceed. */
const LENGTH_MAX = 1024 * 1024;
const READ_AT_ONCE = 200;

/** Composes the transactions for application services from the stream of the server. */
export class Composer {
  readonly #parts: ComposerParts;

  constructor(parts: ComposerParts) {
    this.#parts = parts;
  }

  /** Returns the next transaction with the first events after a position, and with the ephemeral data that wait. */
  async next(service: ApplicationService, after: number): Promise<Composed> {
    const { stream, timelines, events, ephemeral } = this.#parts;
    const upTo = stream.current;
    const texts: string[] = [];
    let length = 0;
    let position = after;
    const isFull = () => texts.length >= EVENTS_MAX || length >= LENGTH_MAX;
    while (position < upTo && !isFull()) {
      const nums = await timelines.inStream(position, upTo, READ_AT_ONCE);
      for (const event of await events.list(nums)) {
        if (isFull()) break;
        const text = await this.#textFor(service, event);
        if (text !== undefined) {
          texts.push(text);
          length += text.length;
        }
        position = event.num;
      }
      if (nums.length < READ_AT_ONCE && !isFull()) position = upTo;
    }
    const others = await ephemeral.take(service);
    if (texts.length === 0 && others.length === 0) return { position, body: undefined };
    return { position, body: bodyOf(texts, others) };
  }

  /** Returns the text of an event that an application service gets. An event that cannot be rendered is left out. */
  async #textFor(service: ApplicationService, event: StoredEvent): Promise<string | undefined> {
    const { interest, background } = this.#parts;
    try {
      return (await interest.inEvent(service, event)) ? await this.#text(event) : undefined;
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      background.setAside('composing transactions for application services', { event: event.num }, error);
      return undefined;
    }
  }

  async #text(event: StoredEvent): Promise<string> {
    const { clock, events } = this.#parts;
    const replaced = event.replaces === null ? undefined : await events.one(event.replaces);
    const prevContent = replaced && {
      content: replaced.contentText,
      sender: replaced.sender,
      eventId: replaced.eventId,
    };
    return clientEvent(event, MODERN_FORMAT, { age: Math.max(0, clock.now() - event.ts), prevContent });
  }
}

/** Returns the body of a transaction. Older application services read ephemeral data by the name of MSC2409. */
function bodyOf(events: readonly string[], ephemeral: readonly string[]): string {
  const list = `[${ephemeral.join(',')}]`;
  const more = ephemeral.length === 0 ? '' : `,"ephemeral":${list},"de.sorunome.msc2409.ephemeral":${list}`;
  return `{"events":[${events.join(',')}]${more}}`;
}
