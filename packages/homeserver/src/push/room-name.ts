import { asString } from '@hearth/protocol/json/value.ts';
import type { Head } from '../rooms/head.ts';
import type { Names } from '../storage/engine/names.ts';
import type { MembershipStore } from '../storage/rooms/membership-store.ts';

const HEROES_MAX = 3;

/** A room's name for a user: its name, alias or the other members (client-server API, "Calculating the display name"). */
export async function roomNameOf(
  deps: { readonly names: Names; readonly memberships: MembershipStore },
  head: Head,
  user: number,
): Promise<string | undefined> {
  const name = asString((await head.state('m.room.name'))?.content.name);
  if (name !== undefined && name !== '') return name;
  const alias = await roomAliasOf(head);
  if (alias !== undefined) return alias;
  const present = (await deps.memberships.present([head.num], HEROES_MAX + 1)).get(head.num) ?? [];
  const others = present.filter((num) => num !== user);
  const ids = await deps.names.texts(others.slice(0, HEROES_MAX));
  const called = await Promise.all([...ids.values()].map((userId) => memberNameOf(head, userId)));
  return called.length === 0 ? undefined : called.join(', ');
}

/** The alias by which a room wants to be known. */
export async function roomAliasOf(head: Head): Promise<string | undefined> {
  return asString((await head.state('m.room.canonical_alias'))?.content.alias) || undefined;
}

/** The name of a user in a room. */
export async function memberNameOf(head: Head, userId: string): Promise<string> {
  return asString((await head.state('m.room.member', userId))?.content.displayname) || userId;
}
