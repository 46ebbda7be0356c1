import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { PushRule, Ruleset } from '@hearth/protocol/push-rules/rule.ts';

/** Renders the push rules of a user by their kind. */
export function renderRuleset(ruleset: Ruleset): JsonObject {
  return Object.fromEntries(Object.entries(ruleset).map(([kind, rules]) => [kind, rules.map(renderRule)]));
}

/** Renders a push rule. */
export function renderRule(rule: PushRule): JsonObject {
  return { ...rule };
}
