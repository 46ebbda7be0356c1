import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asString, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { sanitiseText } from '../platform/sanitise-text.ts';
import type { Profiles } from '../profile/profiles.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { PeopleStore, type PersonRow } from '../storage/search/people-store.ts';
import type { Follower, NewFollower } from '../timeline/follower.ts';

/** The maximum length of a name or address. Longer ones are cut off. */
const TEXT_LENGTH_MAX = 1_000;
/** The number of members of a room that are added together. */
const MEMBERS_AT_ONCE = 200;
const ROOM_RULES = [
  ['m.room.join_rules', ''],
  ['m.room.history_visibility', ''],
] as const;

interface PeopleParts {
  readonly database: Database;
  readonly background: Background;
  readonly profiles: Profiles;
  readonly heads: Heads;
  readonly serverName: string;
}

/** The public fields of a profile. */
interface ShownFields {
  readonly displayname?: JsonValue;
  readonly avatar_url?: JsonValue;
}

/** An observer of users of other servers whose profiles are not known from a room that everybody may see. */
type StrangerObserver = (user: number, userId: string) => void;

const NO_FIELDS: ShownFields = {};

/** Maintains the tables of the user directory from member events, profiles and the rules of rooms. */
export class People {
  readonly store: PeopleStore;
  readonly #parts: PeopleParts;
  readonly #follower: Follower;
  #observer: StrangerObserver | undefined;

  constructor(parts: PeopleParts, newFollower: NewFollower) {
    this.#parts = parts;
    this.store = new PeopleStore(parts.database);
    this.#follower = newFollower('user-directory', (events) => this.#take(events));
  }

  /** Sets the observer of users of other servers whose profiles have to be fetched. */
  observeWith(observer: StrangerObserver): void {
    this.#observer = observer;
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

  /** Stores the profile of a user of another server, as its server shows it to everybody. */
  async putRemote(user: number, userId: string, profile: ShownFields): Promise<void> {
    await this.#parts.database.commit(this.#row(user, userId, profile));
  }

  /**
   * Adds the members and the rules of a room that was joined on another server: its events do not arrive one by one.
   */
  async addRoom(room: number): Promise<void> {
    const { database, heads } = this.#parts;
    const head = await heads.byNum(room);
    if (head === undefined) return;
    const rules = await head.states(ROOM_RULES);
    await database.commit(rules.flatMap((rule) => this.#ruleOf(rule)));
    for (let after = 0; ; ) {
      const unlisted = await this.store.unlistedIn(room, after, MEMBERS_AT_ONCE);
      await head.ensure(unlisted.map(({ user_id }) => ['m.room.member', user_id]));
      const writes: Write[] = [];
      for (const { user_num, user_id } of unlisted) {
        const member = await head.state('m.room.member', user_id);
        if (member !== undefined) writes.push(...(await this.#put(user_num, user_id, member)));
      }
      if (writes.length > 0) await database.commit(writes);
      const last = unlisted.at(-1);
      if (last === undefined) return;
      after = last.user_num;
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
   * is private to that room. The same holds for users of other servers, whose profile is fetched if it is not known.
   */
  async #put(user: number, userId: string, member?: StoredEvent): Promise<Write[]> {
    const { profiles, serverName } = this.#parts;
    if (domainOf(userId) === serverName) return this.#row(user, userId, await profiles.memberFields(user));
    if (member === undefined) return [];
    if (await this.#isOpen(member.room)) return this.#row(user, userId, member.content);
    this.#observer?.(user, userId);
    return (await this.store.has(user)) ? [] : this.#row(user, userId, NO_FIELDS);
  }

  /** Returns whether everybody may join a room or read it. */
  async #isOpen(room: number): Promise<boolean> {
    const head = await this.#parts.heads.byNum(room);
    const rules = await head?.state('m.room.join_rules');
    const visibility = await head?.state('m.room.history_visibility');
    return rules?.content.join_rule === 'public' || visibility?.content.history_visibility === 'world_readable';
  }

  #row(user: number, userId: string, { displayname, avatar_url: avatarUrl }: ShownFields): Write[] {
    const row: PersonRow = {
      user_num: user,
      user_id: userId,
      display_name: shownText(displayname),
      avatar_url: shownText(avatarUrl),
    };
    return this.store.put(row);
  }
}

/** Returns a text of a member event, which may contain anything, in a form that can be stored. */
function shownText(value: JsonValue | undefined): string | null {
  const text = asString(value);
  return text === undefined ? null : sanitiseText(text, TEXT_LENGTH_MAX);
}
