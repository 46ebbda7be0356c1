import { asString, type JsonObject, type JsonValue } from '../json/value.ts';
import { globMatcher, type TextMatcher, wordMatcher } from '../matching/glob.ts';
import { splitPath, valueAt } from './path.ts';
import type { PreparedEvent } from './prepared-event.ts';
import { THREAD_SUBSCRIPTION_CONDITION } from './rule.ts';

/** Facts about the room and the user that conditions depend on. */
export interface PushContext {
  /** The user's display name in the room. */
  readonly displayName?: string | undefined;
  /** How many users have joined the room. */
  readonly memberCount: number;
  /** The power level of the event's sender. */
  readonly senderPower: number;
  /** The level needed to notify by a key such as `room`: `powerNeeded` with `notifications.` and the key. */
  readonly notificationPower: (key: string) => number;
  /** Whether the user follows the thread of the event; absent if the event is in no thread. */
  readonly isThreadFollowed?: boolean | undefined;
}

/** A compiled condition. */
export type Test = (event: PreparedEvent, context: PushContext) => boolean;

const MEMBER_COUNT = /^(==|<=|>=|<|>)?([0-9]{1,15})$/;

const never: Test = () => false;

/** Compiles a condition (client-server API, "Conditions"). An unknown condition never holds. */
export function compileCondition(condition: JsonObject): Test {
  const key = asString(condition.key);
  switch (condition.kind) {
    case 'event_match':
      return key === undefined ? never : eventMatch(key, asString(condition.pattern));
    case 'event_property_is':
      return key === undefined ? never : eventPropertyIs(key, condition.value);
    case 'event_property_contains':
      return key === undefined ? never : eventPropertyContains(key, condition.value);
    case 'contains_display_name':
      return containsDisplayName;
    case 'room_member_count':
      return roomMemberCount(asString(condition.is) ?? '');
    case 'sender_notification_permission':
      return key === undefined ? never : (_, context) => context.senderPower >= context.notificationPower(key);
    case THREAD_SUBSCRIPTION_CONDITION:
      return threadSubscription(condition.subscribed);
    default:
      return never;
  }
}

/** Compiles a glob match on a property. In `content.body` the pattern matches any substring between word boundaries. */
export function eventMatch(path: string, pattern: string | undefined): Test {
  if (pattern === undefined) return never;
  if (path === 'content.body') return bodyMatch(globMatcher(pattern, 'words'));
  const names = splitPath(path);
  const matches = globMatcher(pattern, 'whole');
  return (event) => {
    const text = event.lowerText(names);
    return text !== undefined && matches(text);
  };
}

function bodyMatch(matches: TextMatcher): Test {
  return ({ lowerBody }) => lowerBody !== undefined && matches(lowerBody);
}

function eventPropertyIs(path: string, expected: JsonValue | undefined): Test {
  if (!isScalar(expected)) return never;
  const names = splitPath(path);
  return ({ event }) => valueAt(event, names) === expected;
}

function eventPropertyContains(path: string, expected: JsonValue | undefined): Test {
  if (!isScalar(expected)) return never;
  const names = splitPath(path);
  return ({ event }) => {
    const value = valueAt(event, names);
    return Array.isArray(value) && value.includes(expected);
  };
}

const containsDisplayName: Test = (event, { displayName }) => {
  const text = displayName === undefined ? undefined : event.lowerBody;
  return displayName !== undefined && text !== undefined && wordMatcher(displayName)(text);
};

function threadSubscription(subscribed: JsonValue | undefined): Test {
  if (typeof subscribed !== 'boolean') return never;
  return (_, context) => context.isThreadFollowed === subscribed;
}

function roomMemberCount(is: string): Test {
  const [, comparison = '==', digits] = MEMBER_COUNT.exec(is) ?? [];
  if (digits === undefined) return never;
  const bound = Number(digits);
  switch (comparison) {
    case '<':
      return (_, context) => context.memberCount < bound;
    case '>':
      return (_, context) => context.memberCount > bound;
    case '<=':
      return (_, context) => context.memberCount <= bound;
    case '>=':
      return (_, context) => context.memberCount >= bound;
    default:
      return (_, context) => context.memberCount === bound;
  }
}

/** Returns whether the two exact conditions can compare a value: a string, an integer, a boolean or null. */
function isScalar(value: JsonValue | undefined): value is string | number | boolean | null {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
}
