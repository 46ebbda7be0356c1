import type { Head } from '../rooms/head.ts';
import type { Names } from '../storage/engine/names.ts';
import type { MembershipStore } from '../storage/rooms/membership-store.ts';
import { NOT_LOADED } from '../storage/state/state-tree.ts';
import type { RoomTimeline } from './room-timeline.ts';

const HEROES_MAX = 5;

interface SummaryDeps {
  readonly names: Names;
  readonly memberships: MembershipStore;
}

/**
 * The room summary (client-server API, "GET /sync", "Room summary") as JSON text: how many have joined and are
 * invited, and, for rooms without a name, by whom clients shall call the room.
 */
export function summaryText(deps: SummaryDeps, head: Head, user: number): string | Promise<string> {
  return isKnownByName(head) ? `{${countsText(head)}}` : summaryWithHeroes(deps, head, user);
}

async function summaryWithHeroes(deps: SummaryDeps, head: Head, user: number): Promise<string> {
  const heroes = await heroesOf(deps, head, user);
  if (heroes === undefined) return `{${countsText(head)}}`;
  const texts = await deps.names.texts(heroes);
  return `{${countsText(head)},"m.heroes":${JSON.stringify(heroes.flatMap((num) => texts.get(num) ?? []))}}`;
}

function countsText({ row: { joined, invited } }: Head): string {
  return `"m.joined_member_count":${joined},"m.invited_member_count":${invited}`;
}

/** The users by whom a user's clients call a room; none are needed for a room with a name or an alias. */
export async function heroesOf(
  deps: { readonly memberships: MembershipStore },
  head: Head,
  user: number,
): Promise<number[] | undefined> {
  if (isKnownByName(head)) return undefined;
  const [name, alias] = [await head.state('m.room.name'), await head.state('m.room.canonical_alias')];
  if (isText(name?.content.name) || isText(alias?.content.alias)) return undefined;
  prepareHeroes(deps, [head]);
  const present = ((await head.heroes) ?? []).filter((num) => num !== user).slice(0, HEROES_MAX);
  return present.length > 0 ? present : deps.memberships.gone(head.num, user, HEROES_MAX);
}

/** Asks for many rooms at once by whom they are called. The names that they have must be in memory. */
export function prepareHeroes({ memberships }: Pick<SummaryDeps, 'memberships'>, heads: readonly Head[]): void {
  const nameless = heads.filter((head) => head.heroes === undefined && !isKnownByName(head));
  if (nameless.length === 0) return;
  const rooms = nameless.map(({ num }) => num);
  const all = memberships.present(rooms, HEROES_MAX + 1);
  for (const head of nameless) {
    const heroes = all.then((present) => present.get(head.num) ?? []);
    head.heroes = heroes;
    // A value that could not be read is read again the next time.
    heroes.catch(() => {
      if (head.heroes === heroes) head.heroes = undefined;
    });
  }
}

/** Whether the room has a name, and that is in memory. */
function isKnownByName(head: Head): boolean {
  const name = head.peek('m.room.name', '');
  return name !== NOT_LOADED && isText(name?.content.name);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** Events that change by whom or what a room is called, or how many members it has. */
const NAMING: ReadonlySet<string> = new Set([
  'm.room.member',
  'm.room.name',
  'm.room.canonical_alias',
  // It may redact the name.
  'm.room.redaction',
]);

/** Whether the room's summary may be another than before a timeline. */
export function maySummaryChange({ considered, limited }: RoomTimeline): boolean {
  return limited || considered.some(({ type }) => NAMING.has(type));
}
