import { isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { AccountData } from '../account-data/account-data.ts';
import type { Tags } from '../account-data/tags.ts';
import { GLOBAL } from '../account-data/user-data.ts';
import type { PushRules } from './push-rules.ts';

/** A room with its number and id. */
interface Room {
  readonly num: number;
  readonly roomId: string;
}

/** Users' settings of rooms: push rules, tags, and the direct chats of `m.direct`. */
export class RoomSettings {
  readonly #pushRules: PushRules;
  readonly #accountData: AccountData;
  readonly #tags: Tags;

  constructor(pushRules: PushRules, accountData: AccountData, tags: Tags) {
    this.#pushRules = pushRules;
    this.#accountData = accountData;
    this.#tags = tags;
  }

  /** Copies a user's settings of a room to another room, which keeps its tags if it has any. */
  async copy(user: number, from: Room, to: Room): Promise<void> {
    await this.#pushRules.copyRoomRules(user, from.roomId, to.roomId);
    await this.#copyDirect(user, from.roomId, to.roomId);
    if (Object.keys(await this.#tags.of(user, to.num)).length > 0) return;
    for (const [tag, value] of Object.entries(await this.#tags.of(user, from.num)))
      if (isObject(value)) await this.#tags.set(user, to.num, tag, value);
  }

  /** Marks a room as a direct chat with the same users as another room. */
  async #copyDirect(user: number, from: string, to: string): Promise<void> {
    const row = (await this.#accountData.of(user)).get(GLOBAL, 'm.direct');
    if (row === undefined) return;
    const direct = JSON.parse(row.content) as JsonObject;
    const lists = Object.entries(direct).map(([userId, rooms]): [string, JsonValue | undefined] => {
      const isMoved = Array.isArray(rooms) && rooms.includes(from) && !rooms.includes(to);
      return [userId, isMoved ? [...rooms, to] : rooms];
    });
    const content = JSON.stringify(Object.fromEntries(lists));
    if (content !== JSON.stringify(direct)) await this.#accountData.set(user, GLOBAL, 'm.direct', content);
  }
}
