import { expect, test } from 'vitest';
import { certificateFinding } from '../../src/doctor/certificate-check.ts';
import { checkDatabase, checkDataFolder } from '../../src/doctor/machine-check.ts';
import { clockFinding } from '../../src/doctor/peer-check.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-30T12:00:00Z');
const TARGET = { address: '2001:db8::1', port: 8448, certificateName: 'a.org' };

test.each<[number, string | undefined, string, RegExp]>([
  [60, undefined, 'ok', /\[2001:db8::1\]:8448 for a\.org is valid until 2027-01-29/],
  [13, undefined, 'warning', /valid until/],
  [-1, undefined, 'failed', /valid until/],
  [60, 'ERR_TLS_CERT_ALTNAME_INVALID', 'failed', /reject the certificate/],
])('a certificate that is valid for %i days (%s) is %s', (days, problem, outcome, text) => {
  const finding = certificateFinding(TARGET, { problem, validUntilMs: NOW + days * DAY_MS }, NOW);
  expect(finding).toMatchObject({ outcome, text });
});

test.each<[string | undefined, string]>([
  ['Mon, 30 Nov 2026 12:00:20 GMT', 'ok'],
  ['Mon, 30 Nov 2026 11:58:00 GMT', 'warning'],
  ['yesterday', 'skipped'],
  [undefined, 'skipped'],
])('the clock of a server whose Date header is %s is %s', (date, outcome) => {
  expect(clockFinding('8.8.8.8', date, NOW).outcome).toBe(outcome);
});

test('a database with an incompatible schema and one that cannot be read fail', async () => {
  const status = { description: 'SQLite', schemaVersion: 99, supportedVersion: 19, isReadable: false };
  expect(await checkDatabase(async () => status)).toMatchObject({ outcome: 'failed', advice: /up to 19/ });
  expect(await checkDatabase(() => Promise.reject(new Error('no permission')))).toMatchObject({
    outcome: 'failed',
    text: /no permission/,
  });
  expect(await checkDatabase(async () => undefined)).toMatchObject({ outcome: 'skipped' });
  expect(await checkDataFolder('/nonexistent/hearth')).toMatchObject({ outcome: 'skipped' });
});
