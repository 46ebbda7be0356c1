import { forbidden, notFound } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { SharedWork } from '../platform/shared-work.ts';
import type { Write } from '../storage/database.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import { type AcceptDeps, accept } from './accept.ts';
import { type CheckDeps, checkCanonicalAlias, checkRelation } from './check-content.ts';
import type { TransactionKey } from './draft.ts';
import type { Head } from './head.ts';
import { checkInvites, type InviteDeps } from './invites.ts';
import { powersIn } from './powers.ts';

/** Who sends, and under which transaction id if any. */
export interface Sending {
  readonly sender: string;
  readonly transaction?: TransactionKey;
  /** Overrides the time, for application services. Milliseconds. */
  readonly ts?: number;
  /** For how long the event is sticky (MSC4354). Milliseconds. */
  readonly stickyMs?: number | undefined;
  /** Writes that belong to the same transaction, if an event is sent. */
  readonly with?: readonly Write[];
}

/**
 * Sends events once for each transaction id: a repetition, also one that arrives while the first is on its way,
 * answers with the first one's event (client-server API, "Transaction identifiers").
 */
export class Sender {
  readonly #deps: AcceptDeps & CheckDeps & InviteDeps;
  readonly #sending = new SharedWork<string, StoredEvent>();

  constructor(deps: AcceptDeps & CheckDeps & InviteDeps) {
    this.#deps = deps;
  }

  /** Sends a message event. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_TOO_LARGE */
  message(roomId: string, type: string, content: JsonObject, sending: Sending): Promise<StoredEvent> {
    return this.#once(sending.transaction, async () => {
      const head = await this.#headFor(roomId, sending.sender);
      const target = type === 'm.room.redaction' ? content.redacts : undefined;
      if (typeof target === 'string') return this.#redact(head, target, content, sending);
      const checked = checkRelation(this.#deps, { type, sender: sending.sender, content });
      if (checked !== undefined) await checked;
      return this.#send(head, { type, content }, sending);
    });
  }

  /** Sets a state event. The same content again by the same sender is no new event. */
  async state(
    roomId: string,
    key: readonly [string, string],
    content: JsonObject,
    sending: Sending,
  ): Promise<StoredEvent> {
    const [type, stateKey] = key;
    const head = await this.#headFor(roomId, sending.sender);
    if (type === 'm.room.canonical_alias' && stateKey === '') await checkCanonicalAlias(this.#deps, head, content);
    const current = await head.state(type, stateKey);
    if (current?.sender === sending.sender && sameJson(current.content, content)) {
      await head.pending;
      return current;
    }
    const isInvite = type === 'm.room.member' && content.membership === 'invite';
    if (isInvite && current?.content.membership !== 'invite') await checkInvites(this.#deps, [stateKey]);
    return this.#send(head, { type, stateKey, content }, sending);
  }

  /** Takes an event back. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
  redact(roomId: string, eventId: string, content: JsonObject, sending: Sending): Promise<StoredEvent> {
    return this.#once(sending.transaction, async () => {
      const head = await this.#headFor(roomId, sending.sender);
      return this.#redact(head, eventId, content, sending);
    });
  }

  async #headFor(roomId: string, sender: string): Promise<Head> {
    const { heads } = this.#deps;
    const head = heads.known(roomId) ?? (await heads.find(roomId));
    if (head === undefined) throw forbidden(`${sender} is not in the room`);
    return head;
  }

  async #redact(head: Head, eventId: string, content: JsonObject, sending: Sending): Promise<StoredEvent> {
    const target = await this.#deps.events.byId(eventId);
    if (target === undefined || target.room !== head.num) throw notFound('No such event in the room');
    await mayRedact(head, target, sending.sender);
    const named = head.version.contentRedacts ? { ...content, redacts: eventId } : content;
    return this.#send(head, { type: 'm.room.redaction', content: named, redacts: target }, sending);
  }

  async #send(
    head: Head,
    draft: { type: string; stateKey?: string; content: JsonObject; redacts?: StoredEvent },
    { sender, transaction, ts, stickyMs, with: writes }: Sending,
  ): Promise<StoredEvent> {
    const options = {
      ...(transaction === undefined ? {} : { transaction }),
      ...(writes === undefined ? {} : { with: writes }),
    };
    const [event] = await accept(
      this.#deps,
      head,
      [{ ...draft, sender, ...(ts === undefined ? {} : { ts }), ...(stickyMs === undefined ? {} : { stickyMs }) }],
      options,
    );
    if (event === undefined) throw new Error('an accepted event is missing');
    return event;
  }

  async #once(transaction: TransactionKey | undefined, send: () => Promise<StoredEvent>): Promise<StoredEvent> {
    if (transaction === undefined) return send();
    return this.#sending.run(`${transaction.device}/${transaction.txn}`, () => this.#sendOrFind(transaction, send));
  }

  async #sendOrFind({ device, txn }: TransactionKey, send: () => Promise<StoredEvent>): Promise<StoredEvent> {
    const num = await this.#deps.transactions.find(device, txn);
    const earlier = num === undefined ? undefined : await this.#deps.events.one(num);
    return earlier ?? send();
  }
}

/**
 * Redacting needs the power to do so, unless the event is from the redacter's own server (rooms/v1, rule 11, which
 * servers apply to redactions from version 3 on before they take effect). @throws MatrixError M_FORBIDDEN
 */
async function mayRedact(head: Head, target: StoredEvent, sender: string): Promise<void> {
  if (target.sender === sender) return;
  const powers = await powersIn(head);
  if (powers.of(sender) >= powers.to('redact')) return;
  throw forbidden(`${sender} of ${domainOf(sender)} may not redact events of ${target.sender}`);
}

function sameJson(a: JsonObject, b: JsonObject): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
