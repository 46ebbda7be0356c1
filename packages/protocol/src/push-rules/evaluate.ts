import { asString, isObject, type JsonObject, member } from '../json/value.ts';
import { globMatcher, type TextMatcher } from '../matching/glob.ts';
import { compileCondition, eventMatch, type PushContext, type Test } from './conditions.ts';
import { LEGACY_MENTION_RULES } from './defaults.ts';
import { PreparedEvent } from './prepared-event.ts';
import {
  effectiveActions,
  type PushAction,
  type PushRule,
  RULE_KINDS,
  type RuleKind,
  type Ruleset,
  THREAD_SUBSCRIPTION_CONDITION,
} from './rule.ts';

export type { PushContext } from './conditions.ts';
export { PreparedEvent } from './prepared-event.ts';

/** The rule that matched and its actions. Without actions the event causes no notification for this user. */
export interface PushMatch {
  readonly ruleId: string;
  readonly kind: RuleKind;
  readonly actions: readonly PushAction[];
}

/** A compiled ruleset. */
export type CompiledRuleset = (event: PreparedEvent, context: PushContext) => PushMatch | undefined;

interface CompiledRule {
  readonly match: PushMatch;
  /** Patterns that the event's type must match; most rules apply to one type. */
  readonly types: readonly TextMatcher[];
  readonly tests: readonly Test[];
}

/** The number of event types for which a ruleset remembers the rules that can match. */
const TYPES_MAX = 16;

/**
 * Returns the first rule of a user that matches an event, or undefined (client-server API, "Push Rules"). The caller
 * must not evaluate a user's own events.
 */
export function evaluate(ruleset: Ruleset, event: JsonObject, context: PushContext): PushMatch | undefined {
  return compileRuleset(ruleset)(new PreparedEvent(event), context);
}

/**
 * Compiles the enabled rules of a ruleset: paths are split and patterns compiled once, and conditions on the type of an
 * event are evaluated once for each type. Malformed rules never match.
 */
export function compileRuleset(ruleset: Ruleset): CompiledRuleset {
  const rules = RULE_KINDS.flatMap((kind) =>
    ruleset[kind].filter((rule) => rule.enabled).map((rule) => compileRule(kind, rule)),
  );
  const byType = new Map<string, readonly CompiledRule[]>();
  const rulesFor = (type: string): readonly CompiledRule[] => {
    const known = byType.get(type);
    if (known !== undefined) return known;
    const lowerType = type.toLowerCase();
    const found = rules.filter(({ types }) => types.every((matches) => matches(lowerType)));
    if (byType.size >= TYPES_MAX) byType.clear();
    byType.set(type, found);
    return found;
  };
  const untyped = rules.filter(({ types }) => types.length === 0);
  return (event, context) => {
    const type = asString(event.event.type);
    for (const { tests, match } of type === undefined ? untyped : rulesFor(type)) {
      if (allHold(tests, event, context)) return match;
    }
    return undefined;
  };
}

function allHold(tests: readonly Test[], event: PreparedEvent, context: PushContext): boolean {
  for (const test of tests) if (!test(event, context)) return false;
  return true;
}

/** Returns whether any enabled rule depends on the threads that the user follows. */
export function usesThreadSubscriptions(ruleset: Ruleset): boolean {
  return RULE_KINDS.some((kind) =>
    ruleset[kind].some(
      ({ enabled, conditions = [] }) =>
        enabled && conditions.some((condition) => condition.kind === THREAD_SUBSCRIPTION_CONDITION),
    ),
  );
}

function compileRule(kind: RuleKind, rule: PushRule): CompiledRule {
  const match = { ruleId: rule.rule_id, kind, actions: effectiveActions(rule.actions) };
  const conditions = hasConditions(kind) ? (rule.conditions ?? []) : [];
  const patterns = conditions.flatMap((condition) => typePattern(condition) ?? []);
  const tests = testsOf(kind, rule, conditions);
  return {
    match,
    types: patterns.map((pattern) => globMatcher(pattern, 'whole')),
    tests: LEGACY_MENTION_RULES.has(rule.rule_id) ? [saysNoMentions, ...tests] : tests,
  };
}

/** Returns the pattern that a condition sets for the event's type; undefined for a condition on anything else. */
function typePattern({ kind, key, pattern }: JsonObject): string | undefined {
  return kind === 'event_match' && key === 'type' ? asString(pattern) : undefined;
}

function hasConditions(kind: RuleKind): boolean {
  return kind === 'override' || kind === 'postcontent' || kind === 'underride';
}

/** Returns the conditions of a rule other than those on the type. */
function testsOf(kind: RuleKind, rule: PushRule, conditions: readonly JsonObject[]): Test[] {
  switch (kind) {
    case 'content':
      return [eventMatch('content.body', rule.pattern)];
    case 'room':
      return [({ event }) => event.room_id === rule.rule_id];
    case 'sender':
      return [({ event }) => event.sender === rule.rule_id];
    default:
      return conditions.filter((condition) => typePattern(condition) === undefined).map(compileCondition);
  }
}

const saysNoMentions: Test = ({ event }) => {
  return !isObject(event.content) || member(event.content, 'm.mentions') === undefined;
};
