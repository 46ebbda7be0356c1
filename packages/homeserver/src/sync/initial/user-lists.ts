import type { AccountData } from '../../account-data/account-data.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Presences } from '../../presence/presence.ts';
import { isVisible, receiptContent } from '../../receipts/content.ts';
import type { Receipts } from '../../receipts/receipts.ts';
import type { AccountDataRow } from '../../storage/accounts/account-data.ts';
import type { Names } from '../../storage/engine/names.ts';
import { plainEvent } from '../render/plain-event.ts';

interface Parts {
  readonly names: Names;
  readonly presences: Presences;
  readonly receipts: Receipts;
  readonly accountData: AccountData;
}

/** Renders the lists of `/initialSync` without room events, as JSON texts separated by commas. */
export class UserLists {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders the account data of a user in a room, or the global account data for `GLOBAL`. */
  accountData(lookups: Lookups, user: number, room: number): string {
    return [...lookups.get(this.#parts.accountData.source, user).inRoom(room)].map(accountDataText).join(',');
  }

  /** Renders the receipts of some rooms, one event for each room. */
  receipts(lookups: Lookups, user: number, rooms: readonly number[]): string {
    const { receipts, names } = this.#parts;
    const texts = lookups.each(rooms, (room) => {
      const all = [...lookups.get(receipts.source, room).all()];
      const content = receiptContent(all.filter((receipt) => isVisible(receipt, user)));
      if (content === undefined) return '';
      return plainEvent('m.receipt', content, { room_id: lookups.get(names.textSource, room) });
    });
    return texts.filter((text) => text !== '').join(',');
  }

  /** Renders the presence of all connected users who share a room with a user. */
  presenceFor(lookups: Lookups, user: number): string {
    return this.#presence(lookups, this.#parts.presences.changedSince(lookups, user, undefined));
  }

  /** Renders the presence of the given users who are connected. */
  presenceOf(lookups: Lookups, users: Iterable<number>): string {
    return this.#presence(lookups, this.#parts.presences.present(users));
  }

  #presence(lookups: Lookups, users: readonly number[]): string {
    const { presences, names } = this.#parts;
    const texts = lookups.each(users, (user) => {
      const sender = lookups.get(names.textSource, user);
      return plainEvent('m.presence', JSON.stringify({ ...presences.contentOf(lookups, user), user_id: sender }), {
        sender,
      });
    });
    return texts.join(',');
  }
}

function accountDataText({ type, content }: AccountDataRow): string {
  return plainEvent(type, content);
}
