import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asString, type JsonValue } from '@hearth/protocol/json/value.ts';
import { sanitiseText } from '../platform/sanitise-text.ts';
import type { Profiles } from '../profile/profiles.ts';
import type { Write } from '../storage/engine/database.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { PeopleStore, type PersonRow } from '../storage/search/people-store.ts';
import { Follower, type FollowerParts } from '../timeline/follower.ts';

/** Longer names and addresses are cut. */
const TEXT_LENGTH_MAX = 1_000;

export interface PeopleParts extends FollowerParts {
  readonly serverName: string;
  readonly profiles: Profiles;
}

/** Keeps what the user directory finds: from member events, from profiles, and from the rules of rooms. */
export class People {
  readonly store: PeopleStore;
  readonly #parts: PeopleParts;
  readonly #follower: Follower;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.store = new PeopleStore(parts.database);
    this.#follower = new Follower(parts, 'user-directory', (events) => this.#take(events));
  }

  /** Takes in what has happened in rooms. */
  catchUp(maxMs?: number): Promise<void> {
    return this.#follower.catchUp(maxMs);
  }

  /** Takes in a profile that has changed, and accounts that are in no room yet. */
  async put(users: readonly { readonly user: number; readonly userId: string }[]): Promise<void> {
    const { database, background } = this.#parts;
    const putAll = async (some: typeof users) => {
      const writes: Write[] = [];
      for (const { user, userId } of some) writes.push(...(await this.#put(user, userId)));
      if (writes.length > 0) await database.commit(writes);
    };
    if ((await failureOfRow(database, () => putAll(users))) === undefined) return;
    for (const one of users) {
      const failure = await failureOfRow(database, () => putAll([one]));
      if (failure !== undefined) background.setAside('user-directory', { user: one.user }, failure);
    }
  }

  /** Forgets somebody whose account is gone. */
  async remove(user: number): Promise<void> {
    // Rows about earlier changes would bring them back.
    await this.catchUp();
    await this.#parts.database.commit(this.store.remove(user));
  }

  async #take(events: readonly StoredEvent[]): Promise<Write[]> {
    const writes: Write[] = [];
    const joined = new Map<string, StoredEvent>();
    for (const event of events) {
      if (event.type === 'm.room.member' && event.content.membership === 'join' && event.stateKey !== undefined)
        joined.set(event.stateKey, event);
      if (event.stateKey === '') writes.push(...this.#ruleOf(event));
    }
    for (const [userId, event] of joined) {
      if (event.stateKeyNum !== null) writes.push(...(await this.#put(event.stateKeyNum, userId, event)));
    }
    return writes;
  }

  #ruleOf({ type, room, content }: StoredEvent): Write[] {
    if (type === 'm.room.join_rules') return this.store.setPublic(room, content.join_rule === 'public');
    if (type !== 'm.room.history_visibility') return [];
    return this.store.setReadable(room, content.history_visibility === 'world_readable');
  }

  /** Users of this server are found by their profile: a name that one has in a closed room is for that room alone. */
  async #put(user: number, userId: string, member?: StoredEvent): Promise<Write[]> {
    const isLocal = domainOf(userId) === this.#parts.serverName;
    if (!isLocal && member === undefined) return [];
    const fields = isLocal ? await this.#parts.profiles.memberFields(user) : (member?.content ?? {});
    const row: PersonRow = {
      user_num: user,
      user_id: userId,
      display_name: shownText(fields.displayname),
      avatar_url: shownText(fields.avatar_url),
    };
    return this.store.put(row);
  }
}

/** Member events may contain texts of any kind. */
function shownText(value: JsonValue | undefined): string | null {
  const text = asString(value);
  return text === undefined ? null : sanitiseText(text, TEXT_LENGTH_MAX);
}
