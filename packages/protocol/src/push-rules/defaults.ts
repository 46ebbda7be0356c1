import type { UserId } from '../identifiers/user-id.ts';
import { userIdLocalpart } from '../identifiers/user-id.ts';
import type { JsonObject } from '../json/value.ts';
import { type PushAction, type PushRule, type Ruleset, THREAD_SUBSCRIPTION_CONDITION } from './rule.ts';

const SOUND: PushAction = { set_tweak: 'sound', value: 'default' };
const RING: PushAction = { set_tweak: 'sound', value: 'ring' };
const HIGHLIGHT: PushAction = { set_tweak: 'highlight' };

const match = (key: string, pattern: string): JsonObject => ({ kind: 'event_match', key, pattern });

const rule = (id: string, conditions: JsonObject[], actions: PushAction[]): PushRule => ({
  rule_id: `.m.rule.${id}`,
  default: true,
  enabled: true,
  conditions,
  actions,
});

/**
 * Returns the default rules of a user, in order (client-server API, "Predefined Rules"). With `legacyMentions` they
 * include the rules that search the body for names, which specification 1.17 removed, for clients that do not send
 * `m.mentions`.
 */
export function defaultRuleset(userId: UserId, options: { legacyMentions?: boolean } = {}): Ruleset {
  const legacy = options.legacyMentions === true;
  return {
    override: overrides(userId, legacy),
    content: legacy ? [containsUserName(userId)] : [],
    postcontent: threadRules(),
    room: [],
    sender: [],
    underride: underrides(),
  };
}

/** The rules that search the body for names. They do not apply to events with `m.mentions` (specification 1.7). */
export const LEGACY_MENTION_RULES: ReadonlySet<string> = new Set([
  '.m.rule.contains_display_name',
  '.m.rule.roomnotif',
  '.m.rule.contains_user_name',
]);

/**
 * Returns a user's whole ruleset: within each kind the user's own rules precede the server's, except `.m.rule.master`,
 * which is the first rule (client-server API, "Predefined Rules").
 */
export function mergeRulesets(defaults: Ruleset, own: Ruleset): Ruleset {
  const isMaster = (candidate: PushRule) => candidate.rule_id === '.m.rule.master';
  return {
    override: [
      ...defaults.override.filter(isMaster),
      ...own.override,
      ...defaults.override.filter((candidate) => !isMaster(candidate)),
    ],
    content: [...own.content, ...defaults.content],
    postcontent: [...own.postcontent, ...defaults.postcontent],
    room: [...own.room, ...defaults.room],
    sender: [...own.sender, ...defaults.sender],
    underride: [...own.underride, ...defaults.underride],
  };
}

function overrides(userId: string, legacy: boolean): PushRule[] {
  const mentions = 'content.m\\.mentions';
  return [
    { ...rule('master', [], []), enabled: false },
    rule('suppress_notices', [match('content.msgtype', 'm.notice')], []),
    rule(
      'invite_for_me',
      [match('type', 'm.room.member'), match('content.membership', 'invite'), match('state_key', userId)],
      ['notify', SOUND],
    ),
    rule('member_event', [match('type', 'm.room.member')], []),
    rule(
      'is_user_mention',
      [{ kind: 'event_property_contains', key: `${mentions}.user_ids`, value: userId }],
      ['notify', SOUND, HIGHLIGHT],
    ),
    ...(legacy
      ? [rule('contains_display_name', [{ kind: 'contains_display_name' }], ['notify', SOUND, HIGHLIGHT])]
      : []),
    rule(
      'is_room_mention',
      [
        { kind: 'event_property_is', key: `${mentions}.room`, value: true },
        { kind: 'sender_notification_permission', key: 'room' },
      ],
      ['notify', HIGHLIGHT],
    ),
    ...(legacy ? [roomNotification()] : []),
    rule('tombstone', [match('type', 'm.room.tombstone'), match('state_key', '')], ['notify', HIGHLIGHT]),
    rule('reaction', [match('type', 'm.reaction')], []),
    rule('room.server_acl', [match('type', 'm.room.server_acl'), match('state_key', '')], []),
    rule(
      'suppress_edits',
      [{ kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }],
      [],
    ),
    pollRule('poll_response', [match('type', `${POLL}.response`)], []),
  ];
}

function underrides(): PushRule[] {
  const isOneToOne = { kind: 'room_member_count', is: '2' };
  return [
    rule('call', [match('type', 'm.call.invite')], ['notify', RING]),
    rule('encrypted_room_one_to_one', [isOneToOne, match('type', 'm.room.encrypted')], ['notify', SOUND]),
    rule('room_one_to_one', [isOneToOne, match('type', 'm.room.message')], ['notify', SOUND]),
    rule('message', [match('type', 'm.room.message')], ['notify']),
    rule('encrypted', [match('type', 'm.room.encrypted')], ['notify']),
    pollRule('poll_start_one_to_one', [isOneToOne, match('type', `${POLL}.start`)], ['notify', SOUND]),
    pollRule('poll_end_one_to_one', [isOneToOne, match('type', `${POLL}.end`)], ['notify', SOUND]),
    pollRule('poll_start', [match('type', `${POLL}.start`)], ['notify']),
    pollRule('poll_end', [match('type', `${POLL}.end`)], ['notify']),
  ];
}

/** The prefix of the types of poll events (MSC3381), which clients send with this prefix. */
const POLL = 'org.matrix.msc3381.poll';

/** Returns a rule about polls (MSC3930). */
function pollRule(name: string, conditions: JsonObject[], actions: PushAction[]): PushRule {
  return { ...rule(name, conditions, actions), rule_id: `.org.matrix.msc3930.rule.${name}` };
}

/**
 * Returns the rules about following threads (MSC4306, "New Push Rules"). They are disabled until a client that supports
 * them enables them, because users of other clients never follow a thread and would get no notifications from threads.
 */
function threadRules(): PushRule[] {
  const following = (name: string, subscribed: boolean, actions: PushAction[]): PushRule => ({
    rule_id: `.io.element.msc4306.rule.${name}`,
    default: true,
    enabled: false,
    conditions: [{ kind: THREAD_SUBSCRIPTION_CONDITION, subscribed }],
    actions,
  });
  return [following('unsubscribed_thread', false, []), following('subscribed_thread', true, ['notify', SOUND])];
}

function roomNotification(): PushRule {
  const conditions = [match('content.body', '@room'), { kind: 'sender_notification_permission', key: 'room' }];
  return rule('roomnotif', conditions, ['notify', HIGHLIGHT]);
}

function containsUserName(userId: UserId): PushRule {
  return {
    rule_id: '.m.rule.contains_user_name',
    default: true,
    enabled: true,
    pattern: userIdLocalpart(userId),
    actions: ['notify', SOUND, HIGHLIGHT],
  };
}
