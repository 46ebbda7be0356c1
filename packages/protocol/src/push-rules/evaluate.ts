import { isObject, type JsonObject, member } from '../json/value.ts';
import { compileCondition, eventMatch, type PushContext, type Test } from './conditions.ts';
import { LEGACY_MENTION_RULES } from './defaults.ts';
import { type PreparedEvent, prepareEvent } from './prepared-event.ts';
import {
  effectiveActions,
  type PushAction,
  type PushRule,
  RULE_KINDS,
  type RuleKind,
  type Ruleset,
  THREAD_SUBSCRIPTION,
} from './rule.ts';

export type { PushContext } from './conditions.ts';
export { type PreparedEvent, prepareEvent } from './prepared-event.ts';

/** The rule that matched and what it does; no actions means that the event is silent for this user. */
export interface PushMatch {
  readonly ruleId: string;
  readonly kind: RuleKind;
  readonly actions: readonly PushAction[];
}

/** A ruleset ready to be tried on many events. */
export type CompiledRuleset = (event: PreparedEvent, context: PushContext) => PushMatch | undefined;

interface CompiledRule {
  readonly match: PushMatch;
  readonly tests: readonly Test[];
}

/**
 * The first rule of a user that matches an event, or undefined (client-server API, "Push Rules"). A user's own events
 * are never to be evaluated: that is for the caller to see to.
 */
export function evaluate(ruleset: Ruleset, event: JsonObject, context: PushContext): PushMatch | undefined {
  return compileRuleset(ruleset)(prepareEvent(event), context);
}

/** Compiles the enabled rules of a ruleset: paths are split and patterns prepared once. Malformed rules never match. */
export function compileRuleset(ruleset: Ruleset): CompiledRuleset {
  const rules = RULE_KINDS.flatMap((kind) =>
    ruleset[kind].filter((rule) => rule.enabled).map((rule) => compileRule(kind, rule)),
  );
  return (event, context) => rules.find(({ tests }) => tests.every((test) => test(event, context)))?.match;
}

/** Whether any rule that is on wants to know which threads the user follows. */
export function asksForThreads(ruleset: Ruleset): boolean {
  return RULE_KINDS.some((kind) =>
    ruleset[kind].some(
      ({ enabled, conditions = [] }) =>
        enabled && conditions.some((condition) => condition.kind === THREAD_SUBSCRIPTION),
    ),
  );
}

function compileRule(kind: RuleKind, rule: PushRule): CompiledRule {
  const match = { ruleId: rule.rule_id, kind, actions: effectiveActions(rule.actions) };
  const tests = testsOf(kind, rule);
  return { match, tests: LEGACY_MENTION_RULES.has(rule.rule_id) ? [saysNoMentions, ...tests] : tests };
}

function testsOf(kind: RuleKind, rule: PushRule): Test[] {
  switch (kind) {
    case 'content':
      return [eventMatch('content.body', rule.pattern)];
    case 'room':
      return [({ event }) => event.room_id === rule.rule_id];
    case 'sender':
      return [({ event }) => event.sender === rule.rule_id];
    default:
      return (rule.conditions ?? []).map(compileCondition);
  }
}

const saysNoMentions: Test = ({ event }) => {
  return !isObject(event.content) || member(event.content, 'm.mentions') === undefined;
};
