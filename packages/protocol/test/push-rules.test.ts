import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUserId, type UserId } from '../src/identifiers/user-id.ts';
import type { JsonObject, JsonValue } from '../src/json/value.ts';
import { globMatcher, wordMatcher } from '../src/matching/glob.ts';
import { checkRule } from '../src/push-rules/check.ts';
import { defaultRuleset, mergeRulesets } from '../src/push-rules/defaults.ts';
import {
  compileRuleset,
  evaluate,
  PreparedEvent,
  type PushContext,
  usesThreadSubscriptions,
} from '../src/push-rules/evaluate.ts';
import { splitPath, valueAt } from '../src/push-rules/path.ts';
import type { PushRule, Ruleset } from '../src/push-rules/rule.ts';

const alice = parseUserId('@alice:example.org') as UserId;
const context: PushContext = { displayName: 'Alice L', memberCount: 3, senderPower: 0, notificationPower: () => 50 };
const none: Ruleset = { override: [], content: [], postcontent: [], room: [], sender: [], underride: [] };
const message = (content: JsonObject): JsonObject => ({
  type: 'm.room.message',
  sender: '@bob:example.org',
  room_id: '!room:example.org',
  content: { msgtype: 'm.text', ...content },
});
const own = (kind: keyof Ruleset, rule: Partial<PushRule>): Ruleset => ({
  ...none,
  [kind]: [{ rule_id: 'own', default: false, enabled: true, actions: ['notify'], ...rule }],
});
const holds = (condition: JsonObject, event: JsonObject, more: Partial<PushContext> = {}) =>
  evaluate(own('override', { conditions: [condition] }), event, { ...context, ...more }) !== undefined;

const defaults: [string, JsonObject, string | undefined, Partial<PushContext>?][] = [
  ['a message', message({ body: 'hi' }), '.m.rule.message'],
  ['a message between two', message({ body: 'hi' }), '.m.rule.room_one_to_one', { memberCount: 2 }],
  ['a notice', message({ body: 'hi', msgtype: 'm.notice' }), '.m.rule.suppress_notices'],
  ['a mention', message({ body: 'hi', 'm.mentions': { user_ids: ['@x:y', alice] } }), '.m.rule.is_user_mention'],
  ['a mention of another', message({ body: 'hi', 'm.mentions': { user_ids: ['@x:y'] } }), '.m.rule.message'],
  ['@room with power', message({ 'm.mentions': { room: true } }), '.m.rule.is_room_mention', { senderPower: 50 }],
  ['@room without power', message({ 'm.mentions': { room: true } }), '.m.rule.message', { senderPower: 49 }],
  ['an edit', message({ 'm.relates_to': { rel_type: 'm.replace' } }), '.m.rule.suppress_edits'],
  ['a name in the body', message({ body: 'Alice L: alice' }), '.m.rule.message'],
  ['a reaction', { ...message({}), type: 'm.reaction' }, '.m.rule.reaction'],
  ['a tombstone', { ...message({}), type: 'm.room.tombstone', state_key: '' }, '.m.rule.tombstone'],
  ['a tombstone that is no state', { ...message({}), type: 'm.room.tombstone' }, undefined],
  ['a server ACL', { ...message({}), type: 'm.room.server_acl', state_key: '' }, '.m.rule.room.server_acl'],
  ['a call', { ...message({}), type: 'm.call.invite' }, '.m.rule.call'],
  ['an encrypted event', { ...message({}), type: 'm.room.encrypted' }, '.m.rule.encrypted'],
  [
    'an encrypted event between two',
    { ...message({}), type: 'm.room.encrypted' },
    '.m.rule.encrypted_room_one_to_one',
    { memberCount: 2 },
  ],
  [
    'an invite',
    { ...message({ membership: 'invite' }), type: 'm.room.member', state_key: alice },
    '.m.rule.invite_for_me',
  ],
  [
    'another’s invite',
    { ...message({ membership: 'invite' }), type: 'm.room.member', state_key: '@x:y' },
    '.m.rule.member_event',
  ],
  ['a topic', { ...message({}), type: 'm.room.topic', state_key: '' }, undefined],
];

test.each(defaults)('by default: %s', (_, event, ruleId, more = {}) => {
  expect(evaluate(defaultRuleset(alice), event, { ...context, ...more })?.ruleId).toBe(ruleId);
});

test('the default rules have the order and actions of the specification', () => {
  const { override, underride } = defaultRuleset(alice);
  const named = (rules: readonly { rule_id: string }[]) =>
    rules.map((rule) => rule.rule_id.replace(/^\.m\.rule\./, ''));
  const polls = (names: readonly string[]) => names.map((name) => `.org.matrix.msc3930.rule.${name}`);
  expect(named(override)).toEqual([
    'master',
    'suppress_notices',
    'invite_for_me',
    'member_event',
    'is_user_mention',
    'is_room_mention',
    'tombstone',
    'reaction',
    'room.server_acl',
    'suppress_edits',
    ...polls(['poll_response']),
  ]);
  expect(named(underride)).toEqual([
    'call',
    'encrypted_room_one_to_one',
    'room_one_to_one',
    'message',
    'encrypted',
    ...polls(['poll_start_one_to_one', 'poll_end_one_to_one', 'poll_start', 'poll_end']),
  ]);
  expect(override[0]).toEqual({
    rule_id: '.m.rule.master',
    default: true,
    enabled: false,
    conditions: [],
    actions: [],
  });
  expect(evaluate(defaultRuleset(alice), message({ 'm.mentions': { user_ids: [alice] } }), context)?.actions).toEqual([
    'notify',
    { set_tweak: 'sound', value: 'default' },
    { set_tweak: 'highlight' },
  ]);
});

test('legacy mention rules do not apply to events with m.mentions', () => {
  const rules = defaultRuleset(alice, { legacyMentions: true });
  const matched = (content: JsonObject, more = {}) =>
    evaluate(rules, message(content), { ...context, ...more })?.ruleId;
  expect(matched({ body: 'Hello, ALICE L!' })).toBe('.m.rule.contains_display_name');
  expect(matched({ body: 'hey @room' }, { senderPower: 50 })).toBe('.m.rule.roomnotif');
  expect(matched({ body: 'ask alice' })).toBe('.m.rule.contains_user_name');
  expect(matched({ body: 'Alice L', 'm.mentions': {} })).toBe('.m.rule.message');
});

test('the master rule precedes the user’s own rules, which precede the server’s', () => {
  const rules = mergeRulesets(defaultRuleset(alice), own('override', { conditions: [], actions: ['dont_notify'] }));
  expect(evaluate(rules, message({ msgtype: 'm.notice' }), context)).toEqual({
    ruleId: 'own',
    kind: 'override',
    actions: [],
  });
  const silenced = rules.override.map((rule) => ({ ...rule, enabled: true }));
  expect(evaluate({ ...rules, override: silenced }, message({}), context)?.ruleId).toBe('.m.rule.master');
});

test('rule kinds are evaluated in their order', () => {
  const all: Ruleset = {
    ...none,
    content: own('content', { rule_id: 'c', pattern: 'cake' }).content,
    room: own('room', { rule_id: '!room:example.org' }).room,
    sender: own('sender', { rule_id: '@bob:example.org' }).sender,
    underride: own('underride', {}).underride,
  };
  const compiled = compileRuleset(all);
  const kind = (event: JsonObject) => compiled(new PreparedEvent(event), context)?.kind;
  expect(kind(message({ body: 'a CAKE.' }))).toBe('content');
  expect(kind(message({ body: 'pancakes' }))).toBe('room');
  expect(kind({ ...message({}), room_id: '!x:y' })).toBe('sender');
  expect(kind({ ...message({}), room_id: '!x:y', sender: '@x:y' })).toBe('underride');
  expect(evaluate(own('override', { enabled: false }), message({}), context)).toBeUndefined();
});

test('a compiled ruleset chooses the first rule that matches alone, whatever was evaluated before', () => {
  const condition = fc.oneof(
    fc.record({
      kind: fc.constant('event_match'),
      key: fc.constantFrom('type', 'content.body', 'content.msgtype', 'state_key'),
      pattern: fc.constantFrom('m.room.*', 'M.ROOM.MESSAGE', 'm.*.member', '*', '', 'cake', 'm.te?t', 'type0'),
    }),
    fc.constant({ kind: 'event_match', key: 'type' }),
    fc.record({ kind: fc.constant('room_member_count'), is: fc.constantFrom('2', '3', '>2') }),
  );
  const rule = fc.record({ conditions: fc.array(condition, { maxLength: 3 }), enabled: fc.boolean() });
  const rules = fc.array(fc.tuple(fc.constantFrom('override', 'underride' as const), rule), { maxLength: 8 });
  const type = fc.oneof(
    fc.constantFrom('m.room.message', 'm.room.member'),
    fc.nat(30).map((n) => `type${n}`),
  );
  const event = fc.record(
    { type: fc.oneof(type, fc.constant(7)), state_key: fc.constant(''), content: fc.constant({ body: 'Cake!' }) },
    { requiredKeys: ['content'] },
  );
  fc.assert(
    fc.property(rules, fc.array(event, { maxLength: 40 }), (chosen, events) => {
      const numbered = chosen.map(([kind, rest], i) => ({ kind, set: own(kind, { ...rest, rule_id: `${i}` }) }));
      const all = { ...none };
      for (const { kind, set } of numbered) all[kind] = [...all[kind], ...set[kind]];
      const compiled = compileRuleset(all);
      const inOrder = [
        ...numbered.filter(({ kind }) => kind === 'override'),
        ...numbered.filter(({ kind }) => kind !== 'override'),
      ];
      for (const one of events) {
        const first = inOrder.find(({ set }) => evaluate(set, one, context) !== undefined);
        const expected = first === undefined ? undefined : first.set[first.kind][0]?.rule_id;
        expect(compiled(new PreparedEvent(one), context)?.ruleId).toBe(expected);
      }
    }),
  );
});

test.each([
  ['lunc?*', 'Lunch plans', true],
  ['lunc?*', 'LUNCH', true],
  ['lunc?*', ' lunch', false],
  ['lunc?*', 'lunc', false],
  ['', '', true],
  ['', 'x', false],
  ['*', '', true],
  ['a*b*c', 'aXbXbXc', true],
  ['a*b*c', 'aXcXb', false],
  ['a*a', 'a', false],
  ['*ab', 'abab', true],
  ['?', '\u{1f600}', true],
  ['??', '\u{1f600}', false],
  ['?', '\u{1f600}a', false],
  ['a?c*', 'abcd', true],
  ['[a-z].+', '[a-z].+', true],
  ['[a-z].?', '[a-z].+', true],
  ['[a-z]?', 'bb', false],
])('the whole of a text: %j against %j', (pattern, text, expected) => {
  expect(globMatcher(pattern, 'whole')(text.toLowerCase())).toBe(expected);
});

test.each([
  ['ex*ple', 'An example event.', true],
  ['ex*ple', 'exple', true],
  ['ex*ple', 'An exciting triple-whammy', true],
  ['ex*ple', 'hexample', false],
  ['cake', 'cakes', false],
  ['cake', 'cakes and cake', true],
  ['cake', 'cup_cake', false],
  ['cake', '(CAKE)', true],
  ['cake*', 'cakes', true],
  ['*cake', 'pancake', true],
  ['@room', 'hey@room', true],
  ['@room', 'hey @roomy', false],
  ['é', 'café', true],
  ['c?ke', 'a coke, a cake', true],
  ['c?ke', 'cokes', false],
  ['?ake', '\u{1f600}ake', true],
])('words of a body: %j in %j', (pattern, text, expected) => {
  expect(globMatcher(pattern, 'words')(text.toLowerCase())).toBe(expected);
});

test('no pattern takes exponential time', () => {
  const started = performance.now();
  expect(globMatcher(`${'a*'.repeat(200)}b`, 'words')('a'.repeat(60_000))).toBe(false);
  expect(globMatcher(`${'?*'.repeat(200)}b`, 'whole')('a'.repeat(60_000))).toBe(false);
  expect(globMatcher(`${'a?'.repeat(200)}b`, 'words')('a '.repeat(30_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(1000);
});

test('a phrase with punctuation matches', () => {
  expect(wordMatcher('a.b (c)')('see a.b (c) there')).toBe(true);
  expect(wordMatcher('a.b')('see axb')).toBe(false);
  expect(wordMatcher('')('anything')).toBe(false);
});

test('dotted paths with escapes are split', () => {
  expect(splitPath('content.m\\.relates_to.x\\\\y.\\z')).toEqual(['content', 'm.relates_to', 'x\\y', '\\z']);
  expect(valueAt({ content: { 'm.x': { y: 1 } } }, splitPath('content.m\\.x.y'))).toBe(1);
  expect(valueAt({ content: {} }, splitPath('content.constructor.name'))).toBeUndefined();
  expect(valueAt({ content: 'text' }, splitPath('content.length'))).toBeUndefined();
});

test('exact conditions do not convert types', () => {
  const event = { ...message({ 'm.federate': true, list: ['a', 1, null], n: 1 }) };
  const is = (key: string, value: JsonObject[string]) => holds({ kind: 'event_property_is', key, value }, event);
  expect([is('content.m\\.federate', true), is('content.n', 1), is('type', 'm.room.message')]).toEqual([
    true,
    true,
    true,
  ]);
  expect([
    is('content.m\\.federate', 'true'),
    is('content.n', '1'),
    is('content.absent', null),
    is('content.list', []),
  ]).toEqual([false, false, false, false]);
  const contains = (value: JsonObject[string]) =>
    holds({ kind: 'event_property_contains', key: 'content.list', value }, event);
  expect([contains('a'), contains(1), contains(null), contains('1'), contains('b')]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test.each([
  ['2', [2], [1, 3]],
  ['==2', [2], [1, 3]],
  ['<2', [1], [2, 3]],
  ['>2', [3], [1, 2]],
  ['<=2', [1, 2], [3]],
  ['>=2', [2, 3], [1]],
  ['=2', [], [1, 2, 3]],
  ['', [], [0, 1]],
])('room_member_count %s', (is, yes, no) => {
  const ask = (memberCount: number) => holds({ kind: 'room_member_count', is }, message({}), { memberCount });
  expect([yes.map(ask), no.map(ask)]).toEqual([yes.map(() => true), no.map(() => false)]);
});

test('unknown and malformed conditions never hold', () => {
  for (const condition of [
    { kind: 'device' },
    { kind: 'event_match', key: 'type' },
    { kind: 'event_property_is', key: 'type', value: {} },
    {},
  ]) {
    expect(holds(condition, message({}))).toBe(false);
  }
});

test('thread_subscription holds only in threads', () => {
  const ask = (subscribed: JsonValue, isThreadFollowed?: boolean) =>
    holds({ kind: 'io.element.msc4306.thread_subscription', subscribed }, message({}), { isThreadFollowed });
  expect([ask(true, true), ask(false, false)]).toEqual([true, true]);
  expect([ask(true, false), ask(false, true), ask(true), ask(false), ask('true', true)]).not.toContain(true);
});

test('the rules about threads come after content rules and before room rules, and are disabled', () => {
  const rules = defaultRuleset(alice, { legacyMentions: true });
  expect(rules.postcontent.map(({ rule_id, enabled }) => [rule_id, enabled])).toEqual([
    ['.io.element.msc4306.rule.unsubscribed_thread', false],
    ['.io.element.msc4306.rule.subscribed_thread', false],
  ]);
  const on = rules.postcontent.map((rule) => ({ ...rule, enabled: true }));
  const room: PushRule = { rule_id: '!room:example.org', default: false, enabled: true, actions: [] };
  const ruleset = { ...rules, postcontent: on, room: [room] };
  const judge = (body: string, isThreadFollowed?: boolean) =>
    evaluate(ruleset, message({ body }), { ...context, isThreadFollowed })?.ruleId.replace('.io.element.msc4306', '');
  expect([judge('x', true), judge('x', false)]).toEqual(['.rule.subscribed_thread', '.rule.unsubscribed_thread']);
  expect([judge('alice', false), judge('x')]).toEqual(['.m.rule.contains_user_name', '!room:example.org']);
  expect([usesThreadSubscriptions(rules), usesThreadSubscriptions(ruleset)]).toEqual([false, true]);
});

test('a rule of a user is checked', () => {
  const refusal = (kind: keyof Ruleset, id: string, body: JsonObject) => checkRule(kind, id, body).refusal;
  expect(checkRule('content', 'x', { pattern: 'cake', actions: ['notify', 'coalesce'], conditions: [1] }).rule).toEqual(
    {
      rule_id: 'x',
      default: false,
      enabled: true,
      pattern: 'cake',
      actions: ['notify', 'coalesce'],
    },
  );
  expect(checkRule('override', 'x', { actions: [], conditions: [{ kind: 'later' }] }).rule?.conditions).toEqual([
    { kind: 'later' },
  ]);
  expect(refusal('postcontent', 'x', { actions: [] })).toContain('server');
  expect(refusal('override', '.x', { actions: [] })).toContain('reserved');
  expect(refusal('override', 'a/b', { actions: [] })).toContain('slashes');
  expect(refusal('room', 'x', { actions: [] })).toContain('room id');
  expect(refusal('sender', 'x', { actions: [] })).toContain('user id');
  expect(refusal('content', 'x', { actions: [] })).toContain('pattern');
  expect(refusal('content', 'x', { actions: [], pattern: 'x'.repeat(513) })).toContain('longer');
  expect(refusal('override', 'x', {})).toContain('actions');
  expect(refusal('override', 'x', { actions: ['explode'] })).toContain('not recognised');
  expect(refusal('underride', 'x', { actions: [], conditions: [{}] })).toContain('no kind');
  expect(refusal('override', 'é'.repeat(150), { actions: [] })).toBeUndefined();
  expect(refusal('override', 'é'.repeat(151), { actions: [] })).toContain('too long');
  const long = 'x'.repeat(1_100);
  expect(refusal('override', 'x', { actions: [{ set_tweak: 'sound', value: long }] })).toContain('too long');
  expect(refusal('override', 'x', { actions: [], conditions: [{ kind: 'later', long }] })).toContain('too long');
  expect(refusal('underride', 'x', { actions: [], conditions: [{ kind: 'event_match' }] })).toContain('no key');
});
