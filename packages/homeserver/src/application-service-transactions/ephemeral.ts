import type { ApplicationService } from '../application-services/registration.ts';
import { complete } from '../platform/lookups/lookups.ts';
import type { Presences } from '../presence/presence.ts';
import { isVisible, receiptContent } from '../receipts/content.ts';
import type { Receipts } from '../receipts/receipts.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change } from '../storage/engine/stream.ts';
import { type EphemeralChange, ephemeralKey } from '../sync/changes/ephemeral-key.ts';
import { plainEvent } from '../sync/render/plain-event.ts';
import type { TypingNotices } from '../typing/typing.ts';
import type { Interest } from './interest.ts';
import type { ServiceUsers } from './service-users.ts';

interface EphemeralParts {
  readonly interest: Pick<Interest, 'inRoom' | 'inUser'>;
  readonly users: Pick<ServiceUsers, 'of'>;
  readonly names: Pick<Names, 'text' | 'texts'>;
  readonly typing: Pick<TypingNotices, 'typingIn'>;
  readonly receipts: Pick<Receipts, 'receiptsOf'>;
  readonly presences: Pick<Presences, 'contentOf'>;
}

/** The number of values that wait for an application service. The oldest are dropped first. */
const WAITING_MAX = 1_000;
/** The maximum number of values in one transaction. */
const AT_ONCE = 100;

/** Typing notifications, receipts and presence that wait for application services. They are only in memory. */
export class EphemeralData {
  readonly #parts: EphemeralParts;
  readonly #waiting = new Map<string, Map<string, EphemeralChange>>();

  constructor(parts: EphemeralParts) {
    this.#parts = parts;
  }

  /** Notes a change. Several changes of the same value become one. Returns whether it is one of ephemeral data. */
  note({ id, receivesEphemeral }: ApplicationService, change: Change): boolean {
    const key = receivesEphemeral ? ephemeralKey(change) : undefined;
    if (key === undefined) return false;
    const waiting = this.#waiting.get(id) ?? new Map<string, EphemeralChange>();
    this.#waiting.set(id, waiting);
    // A receipt is rendered with everything since the first change.
    if (!waiting.has(key)) waiting.set(key, change as EphemeralChange);
    if (waiting.size > WAITING_MAX) waiting.delete(waiting.keys().next().value ?? '');
    return true;
  }

  /** Returns the first events for an application service that wait, and forgets them and what does not concern it. */
  async take(service: ApplicationService): Promise<string[]> {
    const waiting = this.#waiting.get(service.id);
    if (waiting === undefined) return [];
    const texts: string[] = [];
    for (const [key, change] of waiting) {
      if (texts.length >= AT_ONCE) break;
      waiting.delete(key);
      const text = await this.#text(service, change);
      if (text !== undefined) texts.push(text);
    }
    return texts;
  }

  async #text(service: ApplicationService, change: EphemeralChange): Promise<string | undefined> {
    const { interest } = this.#parts;
    if (change.kind === 'presence')
      return (await interest.inUser(service, change.user)) ? this.#presence(change.user) : undefined;
    if (!(await interest.inRoom(service, change.room))) return undefined;
    return change.kind === 'typing' ? this.#typing(change.room) : this.#receipt(service, change);
  }

  async #typing(room: number): Promise<string | undefined> {
    const { typing, names } = this.#parts;
    const state = typing.typingIn(room);
    if (state === undefined) return undefined;
    const texts = await names.texts([room, ...state.users]);
    const user_ids = state.users.map((user) => texts.get(user) ?? '');
    return plainEvent('m.typing', JSON.stringify({ user_ids }), { room_id: texts.get(room) ?? '' });
  }

  async #receipt(
    service: ApplicationService,
    { room, user, position }: Extract<Change, { kind: 'receipt' }>,
  ): Promise<string | undefined> {
    const { receipts, users, names } = this.#parts;
    // An application service sees private receipts of its own users only.
    const viewer = users.of(service).has(user) ? user : -1;
    const rows = [...(await receipts.receiptsOf(room)).ofUser(user)];
    const content = receiptContent(rows.filter((row) => row.position >= position && isVisible(row, viewer)));
    return content === undefined ? undefined : plainEvent('m.receipt', content, { room_id: await names.text(room) });
  }

  async #presence(user: number): Promise<string> {
    const { presences, names } = this.#parts;
    const sender = await names.text(user);
    const content = await complete((lookups) => presences.contentOf(lookups, user));
    return plainEvent('m.presence', JSON.stringify({ ...content, user_id: sender }), { sender });
  }
}
