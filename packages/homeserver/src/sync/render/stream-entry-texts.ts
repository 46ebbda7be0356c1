import type { AccountData } from '../../account-data/account-data.ts';
import { GLOBAL } from '../../account-data/user-data.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Presences } from '../../presence/presence.ts';
import { isVisible, receiptContent } from '../../receipts/content.ts';
import type { Receipts } from '../../receipts/receipts.ts';
import type { Reader } from '../../rooms/access.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Change } from '../../storage/engine/stream.ts';
import { LEGACY_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import type { TypingNotices } from '../../typing/typing.ts';
import { ephemeralKey } from '../changes/ephemeral-key.ts';
import type { StreamEntries } from '../select/stream-entries.ts';
import { plainEvent } from './plain-event.ts';

interface Parts {
  readonly names: Names;
  readonly typing: TypingNotices;
  readonly receipts: Receipts;
  readonly presences: Presences;
  readonly accountData: AccountData;
  readonly renderer: EventRenderer;
}

/**
 * Renders entries of the event stream in their order: room events, typing, receipts, account data and presence. An
 * entry of a room contains `room_id`. Several changes of the same value become one entry with the current value.
 */
export class StreamEntryTexts {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Renders the entries.
   * @param isNamed whether the request names rooms, so that only their members' presence counts
   */
  texts(lookups: Lookups, { reader, changes, shown }: StreamEntries, isNamed: boolean): string[] {
    const visible = [...shown.values()];
    const rendered = this.#parts.renderer.texts(lookups, reader, visible, LEGACY_FORMAT);
    const texts = new Map(visible.map(({ event }, i) => [event.num, rendered[i]]));
    const current = changes.length === visible.length ? changes : firstOfEach(changes);
    const list = lookups.each(current, (change) =>
      change.kind === 'event' ? texts.get(change.event) : this.#text(lookups, reader, change, isNamed),
    );
    return list.filter((text) => text !== undefined);
  }

  /** Renders an entry that is not a room event. */
  #text(lookups: Lookups, reader: Reader, change: Change, isNamed: boolean): string | undefined {
    switch (change.kind) {
      case 'typing':
        return this.#typing(lookups, change.room);
      case 'receipt':
        return this.#receipt(lookups, reader, change);
      case 'presence':
        return this.#presence(lookups, reader, change.user, isNamed);
      case 'account-data':
        return change.user === reader.user ? this.#accountData(lookups, change) : undefined;
      default:
        return undefined;
    }
  }

  #typing(lookups: Lookups, room: number): string | undefined {
    const { typing, names } = this.#parts;
    const state = typing.typingIn(room);
    if (state === undefined) return undefined;
    const [room_id = '', ...user_ids] = lookups.all(names.textSource, [room, ...state.users]);
    return plainEvent('m.typing', JSON.stringify({ user_ids }), { room_id });
  }

  #receipt(lookups: Lookups, reader: Reader, change: Extract<Change, { kind: 'receipt' }>): string | undefined {
    const { receipts, names } = this.#parts;
    const own = [...lookups.get(receipts.source, change.room).ofUser(change.user)].filter(
      (row) => row.position >= change.position && isVisible(row, reader.user),
    );
    const content = receiptContent(own);
    if (content === undefined) return undefined;
    return plainEvent('m.receipt', content, { room_id: lookups.get(names.textSource, change.room) });
  }

  #presence(lookups: Lookups, reader: Reader, user: number, isNamed: boolean): string | undefined {
    const { presences, names } = this.#parts;
    const content = isNamed ? presences.contentOf(lookups, user) : presences.contentFor(lookups, reader.user, user);
    if (content === undefined) return undefined;
    const sender = lookups.get(names.textSource, user);
    return plainEvent('m.presence', JSON.stringify({ ...content, user_id: sender }), { sender });
  }

  #accountData(lookups: Lookups, change: Extract<Change, { kind: 'account-data' }>): string | undefined {
    const { accountData, names } = this.#parts;
    const row = lookups.get(accountData.source, change.user).latest(change.room ?? GLOBAL, change.type);
    if (row === undefined || row.position !== change.position) return undefined;
    const about = change.room === null ? {} : { room_id: lookups.get(names.textSource, change.room) };
    return plainEvent(row.type, row.content, about);
  }
}

/**
 * Returns the changes with only the first of several changes of the same value, because it is rendered with the current
 * value.
 */
function firstOfEach(changes: readonly Change[]): Change[] {
  const seen = new Set<string>();
  return changes.filter((change) => {
    const key = ephemeralKey(change);
    if (key === undefined) return true;
    const isFirst = !seen.has(key);
    seen.add(key);
    return isFirst;
  });
}
