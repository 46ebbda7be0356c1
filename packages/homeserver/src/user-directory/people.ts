import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asString, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { sanitiseText } from '../platform/sanitise-text.ts';
import type { Profiles } from '../profile/profiles.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { PeopleStore, type PersonRow } from '../storage/search/people-store.ts';
import type { Follower, NewFollower } from '../timeline/follower.ts';

/** The maximum length of a name or address. Longer ones are cut off. */
const TEXT_LENGTH_MAX = 1_000;

interface PeopleParts {
  readonly database: Database;
  readonly background: Background;
  readonly profiles: Profiles;
  readonly serverName: string;
}

/** Maintains the tables of the user directory from member events, profiles and the rules of rooms. */
export class People {
  readonly store: PeopleStore;
  readonly #parts: PeopleParts;
  readonly #follower: Follower;

  constructor(parts: PeopleParts, newFollower: NewFollower) {
    this.#parts = parts;
    this.store = new PeopleStore(parts.database);
    this.#follower = newFollower('user-directory', (events) => this.#take(events));
  }

  /** Processes new events of rooms. */
  catchUp(maxMs?: number): Promise<void> {
    return this.#follower.catchUp(maxMs);
  }

  /** Adds changed profiles and accounts that are in no room yet. */
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

  /** Removes a deactivated user. */
  async remove(user: number): Promise<void> {
    // Earlier events that are processed later would add the user again.
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

  /**
   * Renders the row of a user. Users of this server are found by their profile, because a display name in a closed room
   * is private to that room.
   */
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

/** Returns a text of a member event, which may contain anything, in a form that can be stored. */
function shownText(value: JsonValue | undefined): string | null {
  const text = asString(value);
  return text === undefined ? null : sanitiseText(text, TEXT_LENGTH_MAX);
}
