import { forbidden, incompatibleRoomVersion, notFound, unrecognized } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { concat, type Text } from '../../platform/long-text.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { entries } from '../../storage/state/state-tree.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { AskingServers } from '../serving/asking-servers.ts';
import type { HeavyRequests } from '../serving/heavy-requests.ts';
import type { PduTexts } from '../serving/pdu-texts.ts';
import { idTexts, type StateSources } from '../serving/served-state.ts';
import { permitsPeek } from './peek-permission.ts';
import type { PeekingServers } from './peeking-servers.ts';

interface Parts {
  readonly asking: AskingServers;
  readonly heads: Heads;
  readonly peeking: PeekingServers;
  readonly sources: StateSources;
  readonly texts: PduTexts;
  readonly heavy: HeavyRequests;
  readonly clock: Clock;
}

/** A peek as a request names it. */
export interface AskedPeek {
  readonly server: string;
  readonly roomId: string;
  readonly peekId: string;
}

/** The time after which a peek ends that is not renewed. */
const RENEWAL_MS = 60 * 60_000;
const PEEK_ID = /^[0-9a-zA-Z.=_-]{1,8}$/;

/** Lets other servers peek into world-readable rooms (MSC2444). */
export class ServedPeeks {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Begins a peek: the server gets all further events of the room. Returns the states after the forward extremities, with
   * all events of them and of their auth chains, as JSON text.
   * @param versions the room versions that the server supports
   * @throws MatrixError M_UNRECOGNIZED, M_NOT_FOUND, M_FORBIDDEN, M_INCOMPATIBLE_ROOM_VERSION, M_LIMIT_EXCEEDED
   */
  async begin({ server, roomId, peekId }: AskedPeek, versions: readonly string[]): Promise<Text> {
    const { asking, peeking, clock, heavy } = this.#parts;
    if (!PEEK_ID.test(peekId)) throw unrecognized(400, 'A peek id has 1 to 8 of the characters 0-9 a-z A-Z . = _ -');
    const head = await asking.whole(roomId, server);
    if (!(await permitsPeek(head, server))) throw forbidden('The room is not world-readable, or it is encrypted');
    if (!versions.includes(head.version.id)) throw incompatibleRoomVersion(head.version.id);
    // Events that are accepted from now on are sent, so that none is missing between them and the answer.
    await peeking.put({ room: head.num, server, peekId, expiresTs: clock.now() + RENEWAL_MS });
    return heavy.run(() => this.#answer(head));
  }

  async #answer(head: Head): Promise<Text> {
    const { sources, texts } = this.#parts;
    const { extremities } = head;
    await head.pending;
    const states = await Promise.all(extremities.map((event) => this.#stateAfter(event)));
    const [first, ...others] = states;
    if (first === undefined) throw notFound('This server is not in the room');
    const otherSets = others.map((state) => new Set(state));
    const common = first.filter((num) => otherSets.every((state) => state.has(num)));
    const isCommon = new Set(common);
    const own = await Promise.all(
      states.map(async (state, i) => {
        const ids = await idTexts(
          sources.events,
          state.filter((num) => !isCommon.has(num)),
        );
        return `${JSON.stringify(extremities[i]?.eventId)}:[${ids}]`;
      }),
    );
    const ends = extremities.map(({ num }) => num);
    const chain = await sources.authChains.chain([...ends, ...states.flat()]);
    const all = new Set([...chain, ...states.flat(), ...ends]);
    const commonIds = await idTexts(sources.events, common);
    const ids = `"latest_event_state_ids":{${own.join(',')}},"common_state_ids":[${commonIds}]`;
    const later = texts.later(head.version, [...all]);
    return concat(`{${ids},"renewal_interval":${RENEWAL_MS},"events":[`, later, ']}');
  }

  /** Returns the numbers of the events of the state after an event. */
  async #stateAfter(event: StoredEvent): Promise<number[]> {
    const { graphStates, states } = this.#parts.sources;
    const after = await graphStates.after(event);
    if (after === undefined) return [];
    await states.loadAll([after.root]);
    return entries(after.root).map((entry) => entry.event);
  }

  /** Lets a peek go on. Returns the time in which it must be renewed, in milliseconds. @throws MatrixError */
  async renew(asked: AskedPeek): Promise<number> {
    const { head, peek } = await this.#find(asked);
    if (!(await permitsPeek(head, asked.server))) throw forbidden('The room is not world-readable, or it is encrypted');
    await this.#parts.peeking.put({ ...peek, expiresTs: this.#parts.clock.now() + RENEWAL_MS });
    return RENEWAL_MS;
  }

  /** Ends a peek. @throws MatrixError M_NOT_FOUND */
  async end(asked: AskedPeek): Promise<void> {
    const { peek } = await this.#find(asked);
    await this.#parts.peeking.end([peek]);
  }

  async #find({ server, roomId, peekId }: AskedPeek) {
    const { heads, peeking } = this.#parts;
    const head = await heads.find(roomId);
    const peek = head && peeking.find({ room: head.num, server, peekId });
    if (head === undefined || peek === undefined) throw notFound('Your server has no such peek');
    return { head, peek };
  }

  /** Ends the peeks that were not renewed, or whose rooms may not be peeked into any more. */
  expire(): Promise<void> {
    const { heads, peeking } = this.#parts;
    return peeking.expire(async (room, server) => {
      const head = await heads.byNum(room);
      return head !== undefined && (await permitsPeek(head, server));
    });
  }
}
