import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { isObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';

export const IGNORED_USER_LIST = 'm.ignored_user_list';

/** The maximum number of ignored users. The rest of a longer list has no effect. */
const IGNORED_MAX = 5_000;

/** Returns the user ids in the JSON text of an `m.ignored_user_list` (client-server API, "Ignoring Users"). */
export function ignoredIds(text: string): string[] {
  const content = JSON.parse(text) as JsonValue;
  const list = isObject(content) ? member(content, 'ignored_users') : undefined;
  const ids = isObject(list) ? Object.keys(list).slice(0, IGNORED_MAX) : [];
  return ids.filter((id) => parseUserId(id) !== undefined);
}
