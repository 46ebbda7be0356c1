import { expect, test } from 'vitest';
import { parseServerName, type ServerName } from '../src/identifiers/server-name.ts';
import type { JsonObject } from '../src/json/value.ts';
import { compileServerAcl, excludesServer } from '../src/server-acl/server-acl.ts';
import { signingKeyFromSeed } from '../src/signing/ed25519.ts';
import { countersignPdu, hashAndSignPdu } from '../src/signing/pdu.ts';
import { hasPolicySignature, isExemptFromPolicy, policyServerOf } from '../src/signing/policy-server.ts';
import { version } from './support/version.ts';

const allows = (content: JsonObject | undefined, server: string) =>
  compileServerAcl(content)(parseServerName(server) as ServerName);

test.each([
  ['no ACL', undefined, 'a.com', true],
  ['nothing is allowed', {}, 'a.com', false],
  ['allowed', { allow: ['a.com'] }, 'a.com', true],
  ['the port is ignored', { allow: ['a.com'] }, 'a.com:8448', true],
  ['case is ignored', { allow: ['A.com'] }, 'a.COM', true],
  ['all allowed', { allow: ['*'] }, 'a.com', true],
  ['denied before allowed', { allow: ['*'], deny: ['a.com'] }, 'a.com', false],
  ['denied by pattern', { allow: ['*'], deny: ['*.evil.com'] }, 'x.evil.com:1', false],
  ['not by that pattern', { allow: ['*'], deny: ['*.evil.com'] }, 'evil.com', true],
  ['one character', { allow: ['a?.com'] }, 'ab.com', true],
  ['IPv4 allowed', { allow: ['*'] }, '1.2.3.4:80', true],
  ['IPv4 refused', { allow: ['*'], allow_ip_literals: false }, '1.2.3.4:80', false],
  ['IPv6 refused', { allow: ['*'], allow_ip_literals: false }, '[::1]', false],
  ['names are no IP addresses', { allow: ['*'], allow_ip_literals: false }, '1.2.3.4.com', true],
  ['a value that is no boolean', { allow: ['*'], allow_ip_literals: 'no' }, '1.2.3.4', true],
  ['malformed lists', { allow: '*', deny: [1] }, 'a.com', false],
  ['malformed entries', { allow: [1, '*'], deny: [null] }, 'a.com', true],
])('%s', (_, content, server, expected) => {
  expect(allows(content, server)).toBe(expected);
});

test('an ACL that excludes the own server is detected', () => {
  expect(excludesServer({ allow: ['b.com'] }, 'a.com')).toBe(true);
  expect(excludesServer({ allow: ['*'] }, 'a.com')).toBe(false);
});

test('a policy server’s signature is verified', () => {
  const rules = version('12');
  const server = signingKeyFromSeed(new Uint8Array(32).fill(1), 'ed25519:1');
  const policy = signingKeyFromSeed(new Uint8Array(32).fill(2), 'ed25519:policy_server');
  const named = policyServerOf({ via: 'policy.com', public_keys: { ed25519: policy.publicKey } });
  if (named === undefined) throw new Error('not parsed');
  const draft = {
    sender: '@a:a',
    type: 'x',
    content: {},
    depth: 1,
    prev_events: [],
    auth_events: [],
    origin_server_ts: 1,
  };
  const { pdu } = hashAndSignPdu(draft, rules, 'a', server);
  expect(hasPolicySignature(pdu, rules, named)).toBe(false);
  const signed = countersignPdu(pdu, rules, 'policy.com', policy);
  expect(hasPolicySignature(signed, rules, named)).toBe(true);
  expect(Object.keys(signed.signatures)).toEqual(['a', 'policy.com']);
  expect(hasPolicySignature({ ...signed, depth: 2 }, rules, named)).toBe(false);
  expect(policyServerOf({ via: 'policy.com', public_keys: {} })).toBeUndefined();
  expect(policyServerOf(undefined)).toBeUndefined();
  expect(isExemptFromPolicy({ type: 'm.room.policy', state_key: '' })).toBe(true);
  expect(isExemptFromPolicy({ type: 'm.room.policy', state_key: 'x' })).toBe(false);
});
