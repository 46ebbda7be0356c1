/**
 * Writes the stored schemas and rows of the upgrade test: `node packages/homeserver/test/storage/stored-schemas/write.ts`.
 * Schemas that are stored already are never written again. Rows are written anew with `--content`; that is needed when a
 * migration adds tables or columns.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startServer } from '../../../../../tests/support/server.ts';
import { migrations } from '../../../src/storage/engine/migrations/index.ts';
import { toPostgresSchema } from '../../../src/storage/engine/postgres/postgres-dialect.ts';
import { fill, type Known } from './content.ts';
import { type Content, comparable, type Dialect, FOLDER, schemaFile, storedSchemas } from './stored-database.ts';

const VERSIONS =
  'CREATE TABLE schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL, oldest_compatible INTEGER NOT NULL)';
const TABLES = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%\\_index%' ESCAPE '\\' AND name <> 'schema_versions'`;
/** Rows that clients bring about only after a while, or with other servers. */
const MORE_ROWS = [
  `INSERT INTO registration_tokens (hash, uses_left, expires) VALUES (x'${'ab'.repeat(32)}', 5, NULL)`,
  'INSERT INTO push_queue (pusher, event, actions) SELECT p.num, max(e.num), \'["notify"]\' FROM pushers p, events e GROUP BY p.num',
  `INSERT INTO media_thumbnails (source, variant, hash, bytes, content_type) SELECT hash, '32x32-crop', x'${'cd'.repeat(32)}', 99, 'image/png' FROM media WHERE hash IS NOT NULL`,
  `INSERT INTO url_previews (url, json, fetched) VALUES ('https://example.org/', '{"og:title":"Example"}', 1700000000000)`,
  "INSERT OR REPLACE INTO followers (name, position) SELECT 'search', max(num) FROM events",
  `INSERT INTO server_keys (server, key_id, public_key, valid_until, expired, fetched, json) VALUES ('peer.example', 'ed25519:1', '${'A'.repeat(43)}', 1700000000000, NULL, 1699990000000, '{"server_name":"peer.example"}')`,
  `INSERT INTO outgoing_edus (num, server, json, ts) VALUES (65536, 'peer.example', '{"edu_type":"m.direct_to_device"}', 1700000000000)`,
  "INSERT INTO received_messages (server, message_id, ts) VALUES ('peer.example', 'abc', 1700000000000)",
  `INSERT INTO missing_events (room, id, follower) SELECT room, x'${'ef'.repeat(32)}', num FROM events ORDER BY num LIMIT 1`,
  `INSERT INTO partial_joins (room, event, servers, ts) VALUES (99999999, 1, '["peer.example"]', 1700000000000)`,
  'INSERT INTO completed_states (room, position) SELECT room, num FROM events ORDER BY num DESC LIMIT 1',
  "INSERT INTO peeking_servers (room, server, peek_id, expires_ts) SELECT num, 'peer.example', 'p1', 1700000000000 FROM rooms LIMIT 1",
  "INSERT INTO remote_peeks (room, server, peek_id, expires_ts) VALUES (99999998, 'peer.example', 'p2', 1700000000000)",
  `INSERT INTO early_relations (target, child) SELECT x'${'ef'.repeat(32)}', num FROM events ORDER BY num LIMIT 1`,
  `INSERT INTO early_redactions (target, redaction) SELECT x'${'ef'.repeat(32)}', num FROM events ORDER BY num LIMIT 1`,
  `INSERT INTO invite_states (user_num, room, json) SELECT user_num, room, '{"type":"m.room.name"}' FROM memberships LIMIT 1`,
  `INSERT INTO application_service_queues (service, position, txn, body) VALUES ('irc', 65536, 1700000000001, '{"events":[]}')`,
  'INSERT INTO notice_rooms (user_num, room) SELECT user_num, room FROM memberships LIMIT 1',
  "INSERT INTO room_servers (server, room) SELECT 'peer.example', num FROM rooms LIMIT 1",
  `INSERT INTO staged_events (num, room_id, event_id, origin, json, ts) VALUES (65537, '!r:peer.example', '$e', 'peer.example', '{}', 1700000000000)`,
  "INSERT INTO late_servers (server, position, failing_since) VALUES ('peer.example', 65536, 1700000000000)",
  'INSERT INTO forwarded_events (num, event, ts) SELECT 65538, max(num), 1700000000000 FROM events',
  "INSERT INTO device_list_outbox (num, user_num, device_id) SELECT 65539, user_num, 'DEVICE' FROM accounts LIMIT 1",
  'INSERT OR IGNORE INTO device_list_streams (user_num, stream_id) SELECT user_num, 5 FROM accounts LIMIT 1',
  "INSERT INTO remote_device_lists (user_num, stream_id, stale_ts, master, self_signing) SELECT max(num), 7, NULL, '{}', NULL FROM names",
  "INSERT INTO remote_devices (user_num, device_id, display_name, json) SELECT max(num), 'DEVICE', 'Phone', '{}' FROM names",
  'INSERT OR IGNORE INTO open_rooms (room, is_public) SELECT num, 1 FROM rooms WHERE published = 1',
];

function writeSchemas(dialect: Dialect): void {
  const path = schemaFile(dialect);
  if (!existsSync(path)) writeFileSync(path, '');
  const stored = storedSchemas(dialect).length;
  for (const { version, name, oldestCompatible, statements } of migrations.slice(stored)) {
    const texts = statements.flatMap((statement) => (typeof statement === 'string' ? [statement] : statement[dialect]));
    const all = [
      ...(version === 1 ? [VERSIONS] : []),
      ...texts,
      `INSERT INTO schema_versions (version, name, oldest_compatible) VALUES (${version}, '${name}', ${oldestCompatible})`,
    ];
    const rendered = dialect === 'sqlite' ? all : all.map(toPostgresSchema);
    appendFileSync(path, `-- schema ${version}: ${name}\n${rendered.join(';\n')};\n\n`);
  }
}

async function writeContent(): Promise<void> {
  const server = await startServer();
  let known: Known;
  try {
    known = await fill(server);
    await server.stop();
    writeFileSync(join(FOLDER, 'content.json'), render({ known, tables: readTables(server.dataDir) }));
  } finally {
    await server.close();
  }
}

function readTables(dataDir: string): Content['tables'] {
  const database = new DatabaseSync(join(dataDir, 'hearth.db'));
  for (const text of MORE_ROWS) database.exec(text);
  const names = database.prepare(TABLES).all() as { name: string }[];
  const tables = names.map(({ name }) => {
    const statement = database.prepare(`SELECT * FROM ${name}`);
    const columns = statement.columns().map((column) => column.name);
    const rows = (statement.all() as Record<string, unknown>[]).map((row) =>
      columns.map((column) => cellOf(row[column])),
    );
    return [name, { columns, rows }] as const;
  });
  database.close();
  return Object.fromEntries(tables);
}

/** Texts stay texts, also those that look like numbers. */
function cellOf(value: unknown) {
  return typeof value === 'string' ? value : comparable(value);
}

/** One line for each row. */
function render({ known, tables }: Content): string {
  const parts = Object.entries(tables).map(([name, { columns, rows }]) => {
    const lines = rows.map((row) => `      ${JSON.stringify(row)}`);
    return `    ${JSON.stringify(name)}: {\n     "columns": ${JSON.stringify(columns)},\n     "rows": [\n${lines.join(',\n')}\n    ]}`;
  });
  return `{\n  "known": ${JSON.stringify(known)},\n  "tables": {\n${parts.join(',\n')}\n  }\n}\n`;
}

writeSchemas('sqlite');
writeSchemas('postgres');
if (process.argv.includes('--content') || !existsSync(join(FOLDER, 'content.json'))) await writeContent();
