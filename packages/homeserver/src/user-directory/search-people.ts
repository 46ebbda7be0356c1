import { foldText, wantedGrams, wordsOf } from '../storage/search/grams.ts';
import type { PersonRow } from '../storage/search/people-store.ts';
import type { People } from './people.ts';

/** A search for users, with its caller. */
export interface PeopleQuery {
  readonly user: number;
  readonly term: string;
  readonly limit?: number | undefined;
}

const TERM_CHARACTERS_MAX = 255;
const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 50;
/** The maximum number of candidates of which the best are returned. */
const CANDIDATES_MAX = 500;
const INDEX_WAIT_MS = 10_000;
const UNLISTED_MAX = 1_000;

/**
 * Finds users with all words of the term in their display name or id (client-server API, "User Directory"): users who
 * share a room with the caller or are in a room that everybody may join or read; with `searchAll` all known users.
 */
export async function searchPeople(
  people: People,
  searchAll: boolean,
  { user, term, limit = LIMIT_DEFAULT }: PeopleQuery,
): Promise<{ results: PersonRow[]; limited: boolean }> {
  const words = wordsOf(foldText(term.slice(0, TERM_CHARACTERS_MAX)));
  const grams = wantedGrams(words);
  const count = Math.min(limit, LIMIT_MAX);
  if (grams.length === 0) return { results: [], limited: false };
  await people.catchUp(INDEX_WAIT_MS);
  if (searchAll) await addUnlisted(people);
  const rows = await people.store.find(grams, searchAll ? undefined : user, CANDIDATES_MAX);
  const ranked = rows
    .flatMap((row) => {
      const rank = rankOf(row, words);
      return rank === undefined ? [] : [{ row, rank }];
    })
    .sort((a, b) => b.rank - a.rank || a.row.user_num - b.row.user_num);
  const limited = ranked.length > count || rows.length === CANDIDATES_MAX;
  return { results: ranked.slice(0, count).map(({ row }) => row), limited };
}

/** Adds accounts that have never been in a room, before a search. */
async function addUnlisted(people: People): Promise<void> {
  for (let after = 0; ; ) {
    const unlisted = await people.store.unlisted(after, UNLISTED_MAX);
    await people.put(unlisted.map(({ user_num, user_id }) => ({ user: user_num, userId: user_id })));
    if (unlisted.length < UNLISTED_MAX) return;
    after = unlisted.at(-1)?.user_num ?? after;
  }
}

/** Ranks whole names before beginnings before other matches, then users with a name or picture. */
function rankOf(row: PersonRow, words: readonly string[]): number | undefined {
  const id = foldText(row.user_id);
  const name = foldText(row.display_name ?? '');
  if (!words.every((word) => id.includes(word) || name.includes(word))) return undefined;
  const term = words.join(' ');
  const localpart = id.slice(1, id.indexOf(':'));
  const closeness = Math.max(closenessOf(localpart, term), closenessOf(name, term));
  return 2 * closeness + Number(row.display_name !== null || row.avatar_url !== null);
}

function closenessOf(text: string, term: string): number {
  if (text === term) return 3;
  if (text.startsWith(term)) return 2;
  return text.includes(term) ? 1 : 0;
}
