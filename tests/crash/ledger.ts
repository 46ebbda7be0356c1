import type { Upload } from './uploads.ts';

/** A message that somebody wanted to send. */
export interface Sending {
  /** Tells it from all others, in the content. */
  readonly mark: string;
  readonly roomId: string;
  readonly txnId: string;
  /** The answer, if there was one. */
  eventId?: string;
}

/**
 * A value that one writer sets again and again, one request after the other. After a crash it is the last one that was
 * acknowledged, or one that was asked for after that.
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

  /** Takes over what is there after a crash. @throws Error when that cannot be */
  settle(value: string | undefined): void {
    if (value !== this.#acknowledged && !this.#asked.some((asked) => asked === value)) {
      const asked = JSON.stringify(this.#asked);
      throw new Error(`${this.name} is ${value}; acknowledged was ${this.#acknowledged}, asked for ${asked}`);
    }
    this.#acknowledged = value;
    this.#asked = [];
  }
}

/** Everything that was asked for and answered, as far as it has to be there after a crash. */
export class Ledger {
  /** By room and writer, in the order in which the writer sent them. */
  readonly sendings = new Map<string, Sending[]>();
  /** Sent without an answer before the last crash. */
  readonly doubtful = new Set<Sending>();
  /** State events that were answered, by room. */
  readonly stateEvents = new Map<string, Set<string>>();
  /** By the redacted event: the redactions that were answered, and whether any was asked for. */
  readonly redactions = new Map<string, { readonly roomId: string; eventId?: string }>();
  readonly createdRooms: { readonly roomId: string; readonly creator: string }[] = [];
  /** Since the last crash, or the last time that all were looked at. */
  readonly uploads: Upload[] = [];
  readonly #registers = new Map<string, Register>();

  /** The messages of one writer in one room. */
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
