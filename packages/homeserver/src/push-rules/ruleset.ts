import type { UserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import { isObject, member } from '@hearth/protocol/json/value.ts';
import { defaultRuleset, mergeRulesets } from '@hearth/protocol/push-rules/defaults.ts';
import { type PushRule, RULE_KINDS, type RuleKind, type Ruleset } from '@hearth/protocol/push-rules/rule.ts';

/** The place of a new rule among the user's own rules of its kind. */
export interface RulePlace {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/**
 * Returns the ruleset of a user: the current default rules with the user's changes, and the user's own rules. `stored`
 * is an `m.push_rules` of any age.
 */
export function completeRuleset(userId: UserId, stored: Ruleset | undefined): Ruleset {
  // Clients of the advertised versions may omit m.mentions, so the rules that search for names are kept.
  const defaults = defaultRuleset(userId, { legacyMentions: true });
  if (stored === undefined) return defaults;
  const changed = mapKinds((kind) =>
    defaults[kind].map((rule) => withChanges(rule, findRule(stored, kind, rule.rule_id))),
  );
  return mergeRulesets(
    changed,
    mapKinds((kind) => stored[kind].filter((rule) => !rule.default)),
  );
}

/** Parses a ruleset that this server has stored. */
export function parseStored(content: string): Ruleset {
  const parsed = JSON.parse(content) as JsonValue;
  const global = isObject(parsed) ? member(parsed, 'global') : undefined;
  return mapKinds((kind) => {
    const rules = isObject(global) ? member(global, kind) : undefined;
    return Array.isArray(rules) ? (rules as unknown as PushRule[]) : [];
  });
}

export function findRule(ruleset: Ruleset, kind: RuleKind, ruleId: string): PushRule | undefined {
  return ruleset[kind].find((rule) => rule.rule_id === ruleId);
}

/**
 * Adds a rule of the user, or updates it without moving it unless a place is given ("PUT
 * /pushrules/global/{kind}/{ruleId}"). Returns undefined when `before` or `after` is not a rule of the user.
 */
export function putRule(ruleset: Ruleset, kind: RuleKind, rule: PushRule, place: RulePlace): Ruleset | undefined {
  const own = ruleset[kind].filter((each) => !each.default);
  const at = own.findIndex((each) => each.rule_id === rule.rule_id);
  const updated = { ...rule, enabled: own[at]?.enabled ?? true };
  const others = own.filter((each) => each.rule_id !== rule.rule_id);
  const index = indexOf(others, place, Math.max(at, 0));
  if (index === undefined) return undefined;
  return withOwn(ruleset, kind, others.toSpliced(index, 0, updated));
}

/** Replaces a rule by one with the same id. */
export function replaceRule(ruleset: Ruleset, kind: RuleKind, rule: PushRule): Ruleset {
  return { ...ruleset, [kind]: ruleset[kind].map((each) => (each.rule_id === rule.rule_id ? rule : each)) };
}

export function removeRule(ruleset: Ruleset, kind: RuleKind, ruleId: string): Ruleset {
  return { ...ruleset, [kind]: ruleset[kind].filter((rule) => rule.rule_id !== ruleId) };
}

/** The kinds of rules whose id is a room id if they are about a room. */
const NAMED_AFTER_ROOMS: readonly RuleKind[] = ['override', 'room', 'underride'];

/**
 * Copies the rules for a room to the room that replaces it, unless that room has rules. Returns undefined if nothing
 * changes.
 */
export function copyRules(ruleset: Ruleset, from: string, to: string): Ruleset | undefined {
  let carried = ruleset;
  for (const kind of NAMED_AFTER_ROOMS) {
    const rule = findRule(ruleset, kind, from);
    if (rule === undefined || rule.default || findRule(ruleset, kind, to) !== undefined) continue;
    const conditions = rule.conditions?.map((each) => (each.pattern === from ? { ...each, pattern: to } : each));
    const copy = { ...rule, rule_id: to, ...(conditions === undefined ? {} : { conditions }) };
    const own = carried[kind].filter((each) => !each.default);
    const after = own.findIndex((each) => each.rule_id === from) + 1;
    carried = withOwn(carried, kind, own.toSpliced(after, 0, copy));
  }
  return carried === ruleset ? undefined : carried;
}

/** Returns the index of the place; `before` takes precedence. */
function indexOf(rules: readonly PushRule[], { before, after }: RulePlace, otherwise: number): number | undefined {
  const named = before ?? after;
  if (named === undefined) return otherwise;
  const at = rules.findIndex((rule) => rule.rule_id === named);
  if (at === -1) return undefined;
  return before === undefined ? at + 1 : at;
}

function withOwn(ruleset: Ruleset, kind: RuleKind, own: PushRule[]): Ruleset {
  const defaults = mapKinds((each) => ruleset[each].filter((rule) => rule.default));
  const kept = mapKinds((each) => (each === kind ? own : ruleset[each].filter((rule) => !rule.default)));
  return mergeRulesets(defaults, kept);
}

function withChanges(rule: PushRule, stored: PushRule | undefined): PushRule {
  return stored === undefined ? rule : { ...rule, enabled: stored.enabled, actions: stored.actions };
}

function mapKinds(make: (kind: RuleKind) => PushRule[]): Ruleset {
  const [override, content, postcontent, room, sender, underride] = RULE_KINDS.map(make);
  return {
    override: override ?? [],
    content: content ?? [],
    postcontent: postcontent ?? [],
    room: room ?? [],
    sender: sender ?? [],
    underride: underride ?? [],
  };
}
