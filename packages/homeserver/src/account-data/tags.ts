import { invalidParam } from '@hearth/protocol/errors.ts';
import { isObject, type JsonObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import type { AccountData } from './account-data.ts';

/** The maximum length of a tag: "The name of a tag MUST NOT exceed 255 bytes" (client-server API, "Room Tagging"). */
const TAG_BYTES_MAX = 255;
const TAGS_MAX = 1_000;

/** A user's tags on rooms: the account data `m.tag` of each room. */
export class Tags {
  readonly #accountData: AccountData;
  readonly #serial = new Serial<number>();

  constructor(accountData: AccountData) {
    this.#accountData = accountData;
  }

  /** Returns the tags of a room. */
  async of(user: number, room: number): Promise<JsonObject> {
    const row = (await this.#accountData.of(user)).get(room, 'm.tag');
    const content = row === undefined ? {} : (JSON.parse(row.content) as JsonValue);
    const tags = isObject(content) ? member(content, 'tags') : undefined;
    return isObject(tags) ? tags : {};
  }

  /** @throws MatrixError M_INVALID_PARAM */
  async set(user: number, room: number, tag: string, value: JsonObject): Promise<void> {
    if (tag === '' || Buffer.byteLength(tag) > TAG_BYTES_MAX) throw invalidParam('The tag is not valid');
    await this.#change(user, room, (tags) => {
      if (!tags.has(tag) && tags.size >= TAGS_MAX) throw invalidParam('The room has too many tags');
      return tags.set(tag, value);
    });
  }

  async remove(user: number, room: number, tag: string): Promise<void> {
    await this.#change(user, room, (tags) => (tags.delete(tag) ? tags : undefined));
  }

  /** Changes tags. Changes of one user run one after the other, so that each reads the result of the previous one. */
  async #change(
    user: number,
    room: number,
    change: (tags: Map<string, JsonValue | undefined>) => Map<string, JsonValue | undefined> | undefined,
  ): Promise<void> {
    await this.#serial.run(user, async () => {
      const tags = change(new Map(Object.entries(await this.of(user, room))));
      if (tags === undefined) return;
      await this.#accountData.set(user, room, 'm.tag', JSON.stringify({ tags: Object.fromEntries(tags) }));
    });
  }
}
