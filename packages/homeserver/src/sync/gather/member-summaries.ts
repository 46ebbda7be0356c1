import type { Lookups } from '../../platform/lookups/lookups.ts';
import { loadedSingly, NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { MembershipStore } from '../../storage/rooms/membership-store.ts';
import type { RoomTimeline } from './room-timeline.ts';

const HEROES_MAX = 5;

interface Parts {
  readonly names: Names;
  readonly heads: Heads;
  readonly memberships: MembershipStore;
}

/** A room as one of its members sees it. */
interface RoomOfUser {
  readonly head: Head;
  readonly user: number;
}

/** Room summaries (client-server API, "GET /sync", "Room summary"). */
export class MemberSummaries {
  readonly #parts: Parts;
  /** The users who joined or were invited first in rooms. They are cached with the head until a membership changes. */
  readonly #present: Source<Head, readonly number[]>;
  /** The users who have left a room without other members. */
  readonly #gone: Source<RoomOfUser, readonly number[]>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#present = {
      peek: ({ heroes }) => heroes?.users ?? NOT_LOADED,
      load: (heads) => loadPresent(parts.memberships, heads),
    };
    this.#gone = loadedSingly(
      () => NOT_LOADED,
      ({ head, user }) => parts.memberships.gone(head.num, user, HEROES_MAX),
      ({ head, user }) => `${head.num}/${user}`,
    );
  }

  /** Renders the numbers of joined and invited users, and the heroes of a room without a name. */
  text(lookups: Lookups, head: Head, user: number): string {
    const { joined, invited } = head.row;
    const counts = `"m.joined_member_count":${joined},"m.invited_member_count":${invited}`;
    const heroes = this.heroes(lookups, head, user);
    if (heroes === undefined) return `{${counts}}`;
    const ids = lookups.all(this.#parts.names.textSource, heroes);
    return `{${counts},"m.heroes":${JSON.stringify(ids)}}`;
  }

  /** Returns the users after whom a user's clients name a room; `undefined` for a room with a name or an alias. */
  heroes(lookups: Lookups, head: Head, user: number): readonly number[] | undefined {
    const { stateSource } = this.#parts.heads;
    const name = lookups.get(stateSource, { head, type: 'm.room.name', stateKey: '' });
    if (isText(name?.content.name)) return undefined;
    const alias = lookups.get(stateSource, { head, type: 'm.room.canonical_alias', stateKey: '' });
    if (isText(alias?.content.alias)) return undefined;
    const present = lookups.get(this.#present, head).filter((num) => num !== user);
    return present.length > 0 ? present.slice(0, HEROES_MAX) : lookups.get(this.#gone, { head, user });
  }
}

/** Loads the heroes of some rooms. A membership that changes during the query replaces the cached value of the head. */
async function loadPresent(
  memberships: MembershipStore,
  heads: readonly Head[],
): Promise<(head: Head) => readonly number[]> {
  const cells = heads.map((head) => {
    const cell: { users: readonly number[] | undefined } = { users: undefined };
    head.heroes = cell;
    return { head, cell };
  });
  const present = await memberships.present(
    heads.map(({ num }) => num),
    HEROES_MAX + 1,
  );
  for (const { head, cell } of cells) cell.users = present.get(head.num) ?? [];
  return (head) => present.get(head.num) ?? [];
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** The types of events that change the name, the heroes or the number of members of a room. */
const NAMING: ReadonlySet<string> = new Set([
  'm.room.member',
  'm.room.name',
  'm.room.canonical_alias',
  // The redacted event may be the name.
  'm.room.redaction',
]);

/** Returns whether the events of a timeline may have changed the room's summary. */
export function maySummaryChange({ considered, limited }: RoomTimeline): boolean {
  return limited || considered.some(({ type }) => NAMING.has(type));
}
