import { domainOf } from '../identifiers/server-of.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import { globListMatcher, type TextMatcher } from '../matching/glob.ts';

/**
 * The consequence of a filter for an invite.
 * - `ignore`: the invite succeeds, and the invited user does not see it.
 * - `block`: the invite is refused.
 */
export type InviteAction = 'allow' | 'ignore' | 'block';

/** A function that returns the consequence for the invites of a user. */
export type InviteFilter = (inviter: string) => InviteAction;

const ACTIONS = [
  ['allow', 'allowed'],
  ['ignore', 'ignored'],
  ['block', 'blocked'],
] as const;

/** The maximum number of patterns in each list. The rest of a longer list has no effect. */
const PATTERNS_MAX = 5_000;
/** The maximum length of a pattern: that of a user id. A longer one has no effect. */
const PATTERN_LENGTH_MAX = 255;

/**
 * Compiles the content of `m.invite_permission_config` with lists of users and servers (MSC4155). The lists of users
 * come before those of servers, and allowed inviters before ignored and blocked ones. Patterns ignore case. Malformed
 * members count as missing.
 */
export function compileInviteFilter(content: JsonObject): InviteFilter {
  const users = ACTIONS.map(([action, name]) => [action, matcher(content[`${name}_users`])] as const);
  const servers = ACTIONS.map(([action, name]) => [action, matcher(content[`${name}_servers`])] as const);
  return (inviter) => {
    const user = inviter.toLowerCase();
    const server = domainOf(user) ?? '';
    const found = users.find(([, matches]) => matches(user)) ?? servers.find(([, matches]) => matches(server));
    return found?.[0] ?? 'allow';
  };
}

function matcher(list: JsonValue | undefined): TextMatcher {
  const patterns = Array.isArray(list) ? list.slice(0, PATTERNS_MAX).filter((entry) => typeof entry === 'string') : [];
  return globListMatcher(patterns.filter(({ length }) => length <= PATTERN_LENGTH_MAX));
}
