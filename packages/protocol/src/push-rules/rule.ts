import type { JsonObject } from '../json/value.ts';

/**
 * The kinds of push rules in the order of evaluation (client-server API, "Push Rules"). `postcontent` contains only the
 * server's rules about threads (MSC4306, "New Push Rules").
 */
export const RULE_KINDS = ['override', 'content', 'postcontent', 'room', 'sender', 'underride'] as const;

export type RuleKind = (typeof RULE_KINDS)[number];

/** An action of a rule that matches: `notify`, or an object with `set_tweak`. */
export type PushAction = string | JsonObject;

/** One push rule. `conditions` belongs to override, postcontent and underride, `pattern` to content. */
export interface PushRule {
  rule_id: string;
  /** Whether the rule is one of the server's. */
  default: boolean;
  enabled: boolean;
  actions: PushAction[];
  conditions?: JsonObject[];
  pattern?: string;
}

/** A user's rules by kind, each list in order of priority: the `global` of `m.push_rules`. */
export type Ruleset = Record<RuleKind, PushRule[]>;

/** The condition that asks whether the user follows the event's thread (MSC4306). */
export const THREAD_SUBSCRIPTION_CONDITION = 'io.element.msc4306.thread_subscription';

/** Returns whether a text names a kind of push rule. */
export function isRuleKind(kind: string): kind is RuleKind {
  return RULE_KINDS.some((known) => known === kind);
}

/**
 * Returns the actions without those of older specifications, which have no effect (client-server API, "Historical
 * Actions").
 */
export function effectiveActions(actions: readonly PushAction[]): PushAction[] {
  return actions.filter((action) => action !== 'dont_notify' && action !== 'coalesce');
}
