import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { declaredStatements } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open.ts';
import { toSqlite } from '../../src/storage/engine/sqlite/sqlite-dialect.ts';

/** Tables that are read from one end to the other, and why that is no harm. */
const WHOLE: ReadonlyMap<string, string> = new Map([
  ['SELECT DISTINCT user_num FROM device_list_outbox', 'once at the start; the table is nearly empty'],
  ['FROM accounts WHERE user_type IS NULL OR', 'at the start; ends at the first person'],
  ['SELECT num, text FROM names', 'at the start, so many at most'],
  ['FROM accounts a JOIN names n', 'at the start, if there are application services'],
  ['FROM application_service_queues', 'at the start; one row for each application service'],
  ['SELECT device, room, position FROM peeks', 'at the start'],
  ['SELECT room, server, peek_id, expires_ts FROM peeking_servers', 'at the start'],
  ['SELECT room, server, peek_id, expires_ts FROM remote_peeks', 'at the start'],
  ['SELECT num, room, expires_ts FROM sticky_events WHERE expires_ts > ? ORDER BY num', 'at the start'],
  ['FROM delayed_events d JOIN names n', 'at the start'],
  ['SELECT DISTINCT pusher FROM push_queue', 'at the start'],
  ['SELECT DISTINCT user_num FROM pushers', 'at the start'],
  ['FROM partial_joins ORDER BY room', 'at the start; the table is nearly empty'],
  ['FROM staged_events GROUP BY room_id', 'once at the start'],
  ['FROM signing_keys ORDER BY created_ts', 'at the start'],
  ['DELETE FROM open_rooms WHERE is_public = 0', 'once, to fill the user directory'],
  ['DELETE FROM presence WHERE status_msg IS NULL', 'at the start'],
  ['FROM registration_tokens WHERE', 'there are as many tokens as administrators make'],
  ['FROM media_thumbnails WHERE NOT EXISTS', 'when garbage is collected'],
  ['SELECT origin, media_id FROM media WHERE expires <= ?', 'an index of the uploads that are waited for'],
  ['FROM url_previews WHERE fetched <= ?', 'an index of a table with a bound'],
  ['DISTINCT server FROM outgoing_edus', 'an index, once at the start'],
  ['position, failing_since FROM late_servers', 'at the start'],
  ['DELETE FROM forwarded_events', 'once a day, a small table'],
  ['DISTINCT server FROM room_servers', 'an index, when administrators list servers'],
  ['FROM server_keys ORDER BY fetched', 'an index of a table with a bound, once a day'],
  ['SELECT d.num FROM devices d WHERE COALESCE(d.seen_ts', 'once an hour'],
  ['SELECT * FROM reports ORDER BY ts DESC', 'an index in its order, as far as the page goes'],
]);

/** A step of a plan that goes through a whole table or index. */
const SCAN = /^SCAN (?!json_each|\(|present\b).*(?<!VIRTUAL TABLE INDEX \S*)$/;

let folder: string;
let database: DatabaseSync;
beforeAll(async () => {
  const sources = join(import.meta.dirname, '../../src/storage');
  const declaring = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && /\bsql(Rows)?\(/.test(readFileSync(join(sources, name), 'utf8')),
  );
  await Promise.all(declaring.map((name) => import(join(sources, name))));
  folder = mkdtempSync(join(tmpdir(), 'hearth-plans-'));
  await (await openDatabase({ dataDir: folder })).close();
  database = new DatabaseSync(join(folder, 'hearth.db'), { readOnly: true });
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

/** The statements of this engine that go through a whole table. */
function scanning(): string[] {
  return declaredStatements.flatMap(({ text }) => {
    const plain = text.replaceAll(/\s+/g, ' ');
    if (isForPostgres(plain)) return [];
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${toSqlite(text)}`).all() as { detail: string }[];
    return plan.some(({ detail }) => SCAN.test(detail)) ? [plain] : [];
  });
}

function isForPostgres(text: string): boolean {
  return /tsvector|@@|_index WHERE num IN/.test(text);
}

test('no statement goes through a whole table, except where that is no harm', () => {
  expect(declaredStatements.length).toBeGreaterThan(200);
  const unexpected = scanning().filter((text) => ![...WHOLE.keys()].some((part) => text.includes(part)));
  expect(unexpected).toEqual([]);
});

test('every exception is still one', () => {
  const found = scanning();
  expect([...WHOLE.keys()].filter((part) => !found.some((text) => text.includes(part)))).toEqual([]);
});
