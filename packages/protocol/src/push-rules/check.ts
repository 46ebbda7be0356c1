import { parseRoomId } from '../identifiers/room-id.ts';
import { parseUserId } from '../identifiers/user-id.ts';
import { asString, isObject, type JsonObject, type JsonValue } from '../json/value.ts';
import type { PushAction, PushRule, RuleKind } from './rule.ts';

/** The limits of a user's rule. They are small because each rule is tried on every event in every room of the user. */
export const PATTERN_LENGTH_MAX = 512;
export const CONDITIONS_MAX = 32;
export const ACTIONS_MAX = 32;
/**
 * The maximum length of a rule id. It names a room, a user or a purpose, which takes at most 255 bytes and a few more
 * for a prefix.
 */
export const RULE_ID_BYTES_MAX = 300;
/** The maximum length of one condition or action as JSON text. */
export const PART_LENGTH_MAX = 1_024;

/** A user's rule, or the reason for rejecting it. */
export type CheckedRule = { rule: PushRule; refusal?: undefined } | { rule?: undefined; refusal: string };

/**
 * Checks a rule that a user sets, from the path and the body of `PUT /pushrules/global/{kind}/{ruleId}` (client-server
 * API, "Push Rules: API"). Members that the kind of rule does not use are left out. Unknown conditions are kept and
 * never match.
 */
export function checkRule(kind: RuleKind, ruleId: string, body: JsonObject): CheckedRule {
  // "Servers MUST ensure that clients MUST NOT be able to create custom rules with this push rule kind" (MSC4306).
  if (kind === 'postcontent') return { refusal: 'only the server has rules of this kind' };
  const refusal = checkRuleId(kind, ruleId) ?? checkActions(body.actions) ?? checkMatching(kind, body);
  if (refusal !== undefined) return { refusal };
  const rule: PushRule = { rule_id: ruleId, default: false, enabled: true, actions: actionsOf(body.actions) };
  if (kind === 'content') rule.pattern = asString(body.pattern) ?? '';
  if (kind === 'override' || kind === 'underride') rule.conditions = objectsOf(body.conditions);
  return { rule };
}

/** Checks the actions of a rule. Returns the reason for rejecting them, or undefined. */
export function checkActions(actions: JsonValue | undefined): string | undefined {
  if (!Array.isArray(actions)) return 'actions is not an array';
  if (actions.length > ACTIONS_MAX) return 'there are too many actions';
  if (actions.some(isTooLong)) return 'an action is too long';
  return actions.every(isAction) ? undefined : 'an action is not recognised';
}

/**
 * Returns the actions of a checked array. Historical actions, which have no effect, are kept so that a client reads the
 * actions that it wrote (client-server API, "Historical Actions").
 */
export function actionsOf(actions: JsonValue | undefined): PushAction[] {
  const known = Array.isArray(actions) ? actions : [];
  return known.filter((action) => typeof action === 'string' || isObject(action));
}

function checkRuleId(kind: RuleKind, ruleId: string): string | undefined {
  if (ruleId === '' || Buffer.byteLength(ruleId) > RULE_ID_BYTES_MAX) return 'the rule id is empty or too long';
  if (ruleId.startsWith('.')) return 'rule ids that start with a dot are reserved';
  if (/[/\\]/.test(ruleId)) return 'a rule id must not contain slashes';
  if (kind === 'room' && parseRoomId(ruleId) === undefined) return 'the rule id of a room rule must be a room id';
  if (kind === 'sender' && parseUserId(ruleId) === undefined) return 'the rule id of a sender rule must be a user id';
  return undefined;
}

function checkMatching(kind: RuleKind, body: JsonObject): string | undefined {
  if (kind === 'content') return checkPattern(body.pattern);
  if (kind !== 'override' && kind !== 'underride') return undefined;
  const { conditions = [] } = body;
  if (!Array.isArray(conditions)) return 'conditions is not an array';
  if (conditions.length > CONDITIONS_MAX) return 'there are too many conditions';
  if (conditions.some(isTooLong)) return 'a condition is too long';
  for (const condition of conditions) {
    if (!isObject(condition) || typeof condition.kind !== 'string') return 'a condition has no kind';
    const refusal = condition.kind === 'event_match' ? checkEventMatch(condition) : undefined;
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkEventMatch(condition: JsonObject): string | undefined {
  if (typeof condition.key !== 'string') return 'event_match has no key';
  return checkPattern(condition.pattern);
}

function checkPattern(pattern: JsonValue | undefined): string | undefined {
  if (typeof pattern !== 'string') return 'pattern is not a string';
  return pattern.length > PATTERN_LENGTH_MAX ? `pattern is longer than ${PATTERN_LENGTH_MAX}` : undefined;
}

function isTooLong(part: JsonValue): boolean {
  return JSON.stringify(part).length > PART_LENGTH_MAX;
}

function isAction(action: JsonValue): boolean {
  if (isObject(action)) return typeof action.set_tweak === 'string';
  return action === 'notify' || action === 'dont_notify' || action === 'coalesce';
}

function objectsOf(values: JsonValue | undefined): JsonObject[] {
  return Array.isArray(values) ? values.filter(isObject) : [];
}
