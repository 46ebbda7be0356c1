import { asString } from '@hearth/protocol/json/value.ts';
import type { Head } from '../rooms/head.ts';
import type { Names } from '../storage/engine/names.ts';
import type { MembershipStore } from '../storage/rooms/membership-store.ts';

const HEROES_MAX = 3;

/** The names of rooms for a user (client-server API, "Calculating the display name for a room"). */
export class RoomNames {
  readonly #names: Names;
  readonly #memberships: MembershipStore;

  constructor(names: Names, memberships: MembershipStore) {
    this.#names = names;
    this.#memberships = memberships;
  }

  /** Returns the name of a room, its alias, or the names of the other members. */
  async of(head: Head, user: number): Promise<string | undefined> {
    const name = asString((await head.state('m.room.name'))?.content.name);
    if (name !== undefined && name !== '') return name;
    const alias = await roomAliasOf(head);
    if (alias !== undefined) return alias;
    const present = (await this.#memberships.present([head.num], HEROES_MAX + 1)).get(head.num) ?? [];
    const others = present.filter((num) => num !== user);
    const ids = await this.#names.texts(others.slice(0, HEROES_MAX));
    const called = await Promise.all([...ids.values()].map((userId) => memberNameOf(head, userId)));
    return called.length === 0 ? undefined : called.join(', ');
  }
}

/** Returns the canonical alias of a room. */
export async function roomAliasOf(head: Head): Promise<string | undefined> {
  return asString((await head.state('m.room.canonical_alias'))?.content.alias) || undefined;
}

/** Returns the display name of a user in a room. */
export async function memberNameOf(head: Head, userId: string): Promise<string> {
  return asString((await head.state('m.room.member', userId))?.content.displayname) || userId;
}
