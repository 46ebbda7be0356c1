import { forbidden, notFound, notJson, userSuspended } from '@hearth/protocol/errors.ts';
import { type JsonObject, sameJson } from '@hearth/protocol/json/value.ts';
import { InFlight } from '../platform/concurrency/in-flight.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import type { Write } from '../storage/engine/database.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { MissingEvents } from '../storage/rooms/events/missing-events.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TransactionStore } from '../storage/rooms/events/transaction-store.ts';
import type { Acceptor } from './accept.ts';
import type { Actor } from './actor.ts';
import { Basis } from './events/basis.ts';
import { type ContentChecks, checkedRelation } from './events/check-content.ts';
import type { EventDraft, TransactionKey } from './events/draft.ts';
import type { Head } from './head.ts';
import type { Heads } from './heads.ts';
import type { MemberChanges } from './membership/member-change.ts';
import { powersIn } from './powers.ts';

/** A request to send an event: its sender, and its transaction id if any. */
export interface Sending {
  readonly sender: Actor;
  readonly transaction?: TransactionKey;
  /** Overrides the time, for application services. Milliseconds. */
  readonly ts?: number;
  /** The time for which the event is sticky (MSC4354), in milliseconds. */
  readonly stickyMs?: number | undefined;
  /** Whether redactions of other users' events are refused, because the sender is suspended. */
  readonly onlyOwn?: boolean;
  /** Writes that belong to the same transaction, if an event is sent. */
  readonly with?: readonly Write[];
}

type Draft = Pick<EventDraft, 'type' | 'stateKey' | 'content' | 'redacts' | 'redactsUnknown'>;

interface SenderParts {
  readonly acceptor: Acceptor;
  readonly heads: Heads;
  readonly memberChanges: MemberChanges;
  readonly checks: ContentChecks;
  readonly events: EventStore;
  readonly transactions: TransactionStore;
  readonly missingEvents: MissingEvents;
}

/**
 * Sends events once for each transaction id. A repeated request, also a concurrent one, returns the event of the first
 * one (client-server API, "Transaction identifiers").
 */
export class Sender {
  readonly #parts: SenderParts;
  readonly #sending = new InFlight<string, StoredEvent>();
  /** A lock for reactions of one user to one event, so that each sees the earlier ones. */
  readonly #reactions = new Serial<string>();

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** Sends a message event. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_TOO_LARGE */
  message(roomId: string, type: string, content: JsonObject, sending: Sending): Promise<StoredEvent> {
    return this.#once(sending.transaction, async () => {
      const head = await this.#headFor(roomId, sending.sender);
      const target = type === 'm.room.redaction' ? content.redacts : undefined;
      if (typeof target === 'string') return this.#redact(head, target, content, sending);
      const sent = { type, sender: sending.sender.userId, content };
      const relation = checkedRelation(sent);
      if (relation === undefined) return this.#send(head, { type, content }, sending);
      const checkAndSend = async () => {
        await this.#parts.checks.checkRelation(sent, relation);
        return this.#send(head, { type, content }, sending);
      };
      if (relation.relType !== 'm.annotation') return checkAndSend();
      return this.#reactions.run(`${sent.sender}/${relation.parent}`, checkAndSend);
    });
  }

  /** Returns the event of an earlier request with this transaction id, if there is one. */
  async earlier({ device, txn }: TransactionKey): Promise<StoredEvent | undefined> {
    const num = await this.#parts.transactions.find(device, txn);
    return num === undefined ? undefined : this.#parts.events.one(num);
  }

  /** Returns the event of an earlier request with this transaction id. @throws MatrixError M_NOT_JSON without one */
  repeat(transaction: TransactionKey): Promise<StoredEvent> {
    return this.#once(transaction, () => Promise.reject(notJson('The body is empty')));
  }

  /** Sets a state event. The same content by the same sender creates no new event. */
  async state(
    roomId: string,
    key: readonly [string, string],
    content: JsonObject,
    sending: Sending,
  ): Promise<StoredEvent> {
    const [type, stateKey] = key;
    const { sender, ts, stickyMs, with: writes } = sending;
    const head = await this.#headFor(roomId, sender);
    if (type === 'm.room.member') {
      return this.#parts.memberChanges.change(head, {
        actor: sender,
        target: stateKey,
        content,
        ts,
        stickyMs,
        with: writes,
      });
    }
    await this.#parts.checks.checkState(head, key, content);
    const current = await head.state(type, stateKey);
    if (current?.sender === sender.userId && sameJson(current.content, content)) {
      await head.pending;
      return current;
    }
    return this.#send(head, { type, stateKey, content }, sending);
  }

  /** Redacts an event. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
  redact(roomId: string, eventId: string, content: JsonObject, sending: Sending): Promise<StoredEvent> {
    return this.#once(sending.transaction, async () => {
      const head = await this.#headFor(roomId, sending.sender);
      return this.#redact(head, eventId, content, sending);
    });
  }

  async #headFor(roomId: string, sender: Actor): Promise<Head> {
    const { heads } = this.#parts;
    const head = heads.known(roomId) ?? (await heads.find(roomId));
    if (head === undefined) throw forbidden(`${sender.userId} is not in the room`);
    return head;
  }

  async #redact(head: Head, eventId: string, content: JsonObject, sending: Sending): Promise<StoredEvent> {
    const target = await this.#parts.events.byId(eventId);
    const isUnknown = target === undefined && (await this.#parts.missingEvents.isIncomplete(head.num));
    if (isUnknown) return this.#redactUnknown(head, eventId, content, sending);
    if (target === undefined || target.room !== head.num) throw notFound('The event does not exist in this room');
    if (sending.onlyOwn === true && target.sender !== sending.sender.userId) throw userSuspended();
    const named = head.version.contentRedacts ? { ...content, redacts: eventId } : content;
    return this.#parts.acceptor.untilAccepted(head, async (current) => {
      const levels = await current.state('m.room.power_levels');
      await mayRedact(current, target, sending.sender.userId);
      const basis = new Basis([[['m.room.power_levels', ''], levels]]);
      const draft = { type: 'm.room.redaction', content: named, redacts: target };
      return this.#trySend(current, draft, sending, basis);
    });
  }

  /** Redacts an event that other servers have and this one does not. */
  async #redactUnknown(head: Head, eventId: string, content: JsonObject, sending: Sending): Promise<StoredEvent> {
    const powers = await powersIn(head);
    if (sending.onlyOwn === true || powers.of(sending.sender.userId) < powers.to('redact'))
      throw forbidden(`${sending.sender.userId} is not allowed to redact events of other users`);
    const named = head.version.contentRedacts ? { ...content, redacts: eventId } : content;
    return this.#send(head, { type: 'm.room.redaction', content: named, redactsUnknown: eventId }, sending);
  }

  async #send(head: Head, draft: Draft, sending: Sending): Promise<StoredEvent> {
    const event = await this.#trySend(head, draft, sending);
    if (event === undefined) throw new Error('an accepted event is missing');
    return event;
  }

  /** Sends an event; undefined when the basis no longer holds. */
  async #trySend(head: Head, draft: Draft, sending: Sending, basis?: Basis): Promise<StoredEvent | undefined> {
    const { sender, transaction, ts, stickyMs, with: writes } = sending;
    const full = {
      ...draft,
      sender: sender.userId,
      ...(ts !== undefined && { ts }),
      ...(stickyMs !== undefined && { stickyMs }),
    };
    const [event] = await this.#parts.acceptor.accept(head, [full], {
      ...(transaction !== undefined && { transaction }),
      ...(writes !== undefined && { with: writes }),
      ...(basis !== undefined && { basis }),
    });
    return event;
  }

  async #once(transaction: TransactionKey | undefined, send: () => Promise<StoredEvent>): Promise<StoredEvent> {
    if (transaction === undefined) return send();
    return this.#sending.run(`${transaction.device}/${transaction.txn}`, () => this.#sendOrFind(transaction, send));
  }

  async #sendOrFind(transaction: TransactionKey, send: () => Promise<StoredEvent>): Promise<StoredEvent> {
    return (await this.earlier(transaction)) ?? send();
  }
}

/**
 * Checks the power of a user to redact an event of another user (rooms/v1, rule 11, which servers apply to redactions
 * from version 3 on before they take effect).
 * @throws MatrixError M_FORBIDDEN
 */
async function mayRedact(head: Head, target: StoredEvent, sender: string): Promise<void> {
  if (target.sender === sender) return;
  const powers = await powersIn(head);
  if (powers.of(sender) >= powers.to('redact')) return;
  throw forbidden(`${sender} is not allowed to redact events of ${target.sender}`);
}
