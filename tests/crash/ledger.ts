import type { Upload } from './uploads.ts';

/** A message that a writer has tried to send. */
export interface Sending {
  /** A unique mark in the content. */
  readonly mark: string;
  readonly roomId: string;
  readonly txnId: string;
  /** The event id of the answer, if there was one. */
  eventId?: string;
}

/**
 * A value that one writer sets repeatedly, one request after the other. After a crash it has to be the last
 * acknowledged value, or a value that was requested after that.
 */
export class Register {
  readonly name: string;
  #acknowledged: string | undefined;
  #asked: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  ask(value: string): void {
    this.#asked.push(value);
  }

  acknowledge(value: string): void {
    this.#acknowledged = value;
    this.#asked = [];
  }

  /** Adopts the value after a crash. @throws Error when the value is impossible */
  settle(value: string | undefined): void {
    if (value !== this.#acknowledged && !this.#asked.some((asked) => asked === value)) {
      const asked = JSON.stringify(this.#asked);
      throw new Error(`${this.name} is ${value}; ${this.#acknowledged} was acknowledged, ${asked} requested`);
    }
    this.#acknowledged = value;
    this.#asked = [];
  }
}

/** The requests and answers whose effects have to be present after a crash. */
export class Ledger {
  /** The messages by room and writer, in the order in which the writer sent them. */
  readonly sendings = new Map<string, Sending[]>();
  /** Messages that were sent without an answer before the last crash. */
  readonly doubtful = new Set<Sending>();
  /** Acknowledged state events, by room. */
  readonly stateEvents = new Map<string, Set<string>>();
  /** Redactions by the id of the redacted event, with their own event id if they were acknowledged. */
  readonly redactions = new Map<string, { readonly roomId: string; eventId?: string }>();
  readonly createdRooms: { readonly roomId: string; readonly creator: string }[] = [];
  /** Acknowledged uploads since the last check. */
  readonly uploads: Upload[] = [];
  readonly #registers = new Map<string, Register>();

  /** Returns the messages of a writer in a room. */
  of(roomId: string, writer: string): Sending[] {
    const key = `${roomId} ${writer}`;
    const known = this.sendings.get(key) ?? [];
    this.sendings.set(key, known);
    return known;
  }

  addState(roomId: string, eventId: string): void {
    const known = this.stateEvents.get(roomId) ?? new Set();
    this.stateEvents.set(roomId, known.add(eventId));
  }

  register(name: string): Register {
    const known = this.#registers.get(name) ?? new Register(name);
    this.#registers.set(name, known);
    return known;
  }
}
