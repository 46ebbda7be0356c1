import { FederationError } from '../../federation/client/federation-error.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import { Slots } from '../../platform/concurrency/slots.ts';
import { type Random, randomText } from '../../platform/random.ts';
import type { Head } from '../head.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { KnownRooms } from '../remote/known-rooms.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { HeldEvents } from './held-events.ts';
import type { PeekAnswer, PeekClient } from './peek-client.ts';
import type { PeekedState } from './peeked-state.ts';
import type { ActivePeek, RemotePeeks } from './remote-peeks.ts';

interface Parts {
  readonly client: PeekClient;
  readonly rooms: {
    readonly known: KnownRooms;
    readonly servers: ServersInRooms;
    /** Lets this server come into a room by one request at a time: a join or a peek. */
    readonly entering: Serial<string>;
  };
  readonly peeks: RemotePeeks;
  readonly state: PeekedState;
  readonly held: HeldEvents;
  /** Receives the events of a room that were held back. */
  readonly receive: (server: string, events: HeldList) => Promise<unknown>;
  readonly tools: { readonly clock: Clock; readonly random: Random; readonly background: Background };
}

type HeldList = ReturnType<HeldEvents['end']>;

/** A peek id has at most 8 characters (MSC2444). */
const PEEK_ID_LENGTH = 8;
/** The number of answers with states that are processed at the same time. */
const ANSWERS = { running: 4, waiting: 100 };

/** Begins, renews and ends the peeks of this server into rooms on other servers (MSC2444). */
export class BegunPeeks {
  readonly #parts: Parts;
  readonly #slots = new Slots(ANSWERS);
  /** The times at which peeks are to be renewed, by room. Those that are not listed are due. */
  readonly #dueTs = new Map<number, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Begins a peek. Returns the number of the room. @throws FederationError, NotReceived */
  async begin(server: string, roomId: string): Promise<number> {
    const { client, held, receive, tools } = this.#parts;
    const peekId = randomText(tools.random, PEEK_ID_LENGTH);
    // The server sends events as soon as it has accepted the request.
    held.begin(roomId, server);
    try {
      const head = await this.#slots.run(async () =>
        this.#enter(roomId, { server, peekId }, await client.begin(server, roomId, peekId)),
      );
      await receive(server, held.end(roomId));
      return head.num;
    } catch (error) {
      // The server has accepted the request, but this one cannot use the answer.
      if (error instanceof NotReceived) this.#endThere(server, roomId, peekId);
      throw error;
    } finally {
      held.end(roomId);
    }
  }

  async #enter(
    roomId: string,
    { server, peekId }: { readonly server: string; readonly peekId: string },
    answer: PeekAnswer,
  ): Promise<Head> {
    const { rooms, peeks, state, tools } = this.#parts;
    const head = await rooms.known.headOf(roomId, answer.version);
    if (head.version.id !== answer.version.id) throw new NotReceived('the room has another version', true);
    return rooms.entering.run(roomId, async () => {
      // A user of this server may have joined meanwhile.
      if (await rooms.servers.isLocal(head)) {
        this.#endThere(server, roomId, peekId);
        return head;
      }
      const peek = { room: head.num, peekId, expiresTs: tools.clock.now() + answer.renewalMs };
      await peeks.put({ ...peek, server: null });
      await state.store(head, answer, server);
      await peeks.put({ ...peek, server });
      this.#dueTs.set(head.num, tools.clock.now() + answer.renewalMs / 2);
      return head;
    });
  }

  /** Returns whether a peek is to be renewed. */
  isDue({ room }: ActivePeek): boolean {
    return (this.#dueTs.get(room) ?? 0) <= this.#parts.tools.clock.now();
  }

  /**
   * Renews a peek. Returns false if it has ended, because the server does not know it any more, or has not answered until its
   * end.
   */
  async renew(head: Head, peek: ActivePeek): Promise<boolean> {
    const { client, peeks, tools } = this.#parts;
    try {
      const renewalMs = await client.renew(peek.server, head.roomId, peek.peekId);
      // The peek may have ended meanwhile.
      if (peeks.of(head.num)?.peekId !== peek.peekId) return true;
      await peeks.put({ ...peek, expiresTs: tools.clock.now() + renewalMs });
      this.#dueTs.set(head.num, tools.clock.now() + renewalMs / 2);
      return true;
    } catch (error) {
      if (!(error instanceof FederationError)) throw error;
      // A server that does not answer is asked again until the peek expires.
      if (error.kind !== 'refused' && peek.expiresTs > tools.clock.now()) return true;
      await this.#forget(head.num);
      return false;
    }
  }

  /** Ends the peek of a room, if there is one. */
  async end(head: Head): Promise<void> {
    const peek = this.#parts.peeks.of(head.num);
    await this.#forget(head.num);
    if (peek !== undefined) this.#endThere(peek.server, head.roomId, peek.peekId);
  }

  /** Ends the peek of a room that a user of this server has joined. */
  async joined(head: Head): Promise<void> {
    await this.end(head);
    await this.#parts.peeks.remove(head.num);
  }

  async #forget(room: number): Promise<void> {
    this.#dueTs.delete(room);
    await this.#parts.peeks.end(room);
  }

  /** Tells another server that a peek has ended. Otherwise the peek expires there. */
  #endThere(server: string, roomId: string, peekId: string): void {
    const { client, tools } = this.#parts;
    tools.background.start('ending a peek', () =>
      client.end(server, roomId, peekId).catch((error: unknown) => {
        if (!(error instanceof FederationError)) throw error;
      }),
    );
  }
}
