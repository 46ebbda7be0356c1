import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pathOf } from '../../../../tests/support/client.ts';
import { TEST_ENGINES } from '../../../../tests/support/engines.ts';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { ClientEvent, TestUser } from '../../../../tests/support/user.ts';
import type { JsonObject } from '../../../protocol/src/json/value.ts';

const DOCUMENT = join(import.meta.dirname, '../../../../docs/operating/database.md');
const TABLES = `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE '%\\_index\\_%' ESCAPE '\\'`;
const TABLES_POSTGRES = `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`;

describe.each(TEST_ENGINES)('views for operators on $name', ({ name: engine, postgres }) => {
  let server: TestServer;
  let alice: TestUser;
  let bob: TestUser;
  const rooms: string[] = [];
  beforeAll(async () => {
    server = await startServer({ postgres });
    alice = await server.user('alice');
    bob = await server.user('bob');
    for (const room_version of ['1', '3', '4', '11', '12']) {
      const room = await alice.createRoom({ preset: 'public_chat', room_version });
      rooms.push(room);
      await bob.join(room);
      const question = await bob.send(room, 'Who is there?');
      const thread = { rel_type: 'm.thread', event_id: question };
      await alice.send(room, { msgtype: 'm.text', body: 'I am', 'm.relates_to': thread });
      await alice.setState(room, 'm.room.name', { name: 'First name' });
      await alice.setState(room, 'm.room.name', { name: 'Second name' });
      await alice.setState(room, 'com.example.seat', { row: 1 }, 'first');
      await alice.setState(room, 'com.example.seat', { row: 2 }, 'second');
      await alice.redact(room, await bob.send(room, 'Wrong room'));
      await bob.post(pathOf('rooms', room, 'receipt', 'm.read', question));
    }
    await bob.leave(rooms[0] ?? '');
    await alice.put(pathOf('user', alice.userId, 'account_data', 'com.example.colour'), { name: 'red' });
  });
  afterAll(() => server.close());

  const seen = ({ event_id, type, sender, state_key, content }: ClientEvent) => ({
    event_id,
    type,
    sender,
    state_key: state_key ?? null,
    content,
  });
  // Clients find the target of a redaction in its content, whatever the room's version.
  const parsed = <T extends { content: string; extra?: string | null }>(rows: readonly T[]) =>
    rows.map(({ content, extra, ...row }) => {
      const { redacts } = JSON.parse(extra ?? '{}') as { redacts?: string };
      return { ...row, content: { ...(JSON.parse(content) as JsonObject), ...(redacts !== undefined && { redacts }) } };
    });

  test('room_state_readable equals /state, in every form of event ids', async () => {
    for (const room of rooms) {
      const rows = await server.look<{ event_id: string; content: string }>(
        `SELECT event_id, type, sender, state_key, content FROM room_state_readable WHERE room_id = '${room}' ORDER BY num`,
      );
      const { text } = await alice.request('GET', pathOf('rooms', room, 'state'));
      const state = JSON.parse(text) as ClientEvent[];
      expect(state.length).toBeGreaterThan(8);
      expect(parsed(rows)).toHaveLength(state.length);
      expect(parsed(rows)).toEqual(expect.arrayContaining(state.map(seen)));
    }
  });

  test('events_readable equals /messages', async () => {
    for (const room of rooms) {
      const rows = await server.look<{ content: string }>(
        `SELECT event_id, type, sender, state_key, content, extra FROM events_readable WHERE room_id = '${room}' ORDER BY seq`,
      );
      const { chunk } = await alice.messages(room, { dir: 'f', limit: 100 });
      expect(parsed(rows)).toEqual(chunk.map(seen));
    }
  });

  test('events_readable shows when events were sent and how far they are trusted', async () => {
    const rows = await server.look<{ sent: string | Date; ts: number; standing: string }>(
      'SELECT r.sent, e.ts, r.standing FROM events_readable r JOIN events e ON e.num = r.num',
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ sent, ts }) => new Date(sent).getTime() !== Number(ts))).toEqual([]);
    expect(new Set(rows.map(({ standing }) => standing))).toEqual(new Set(['accepted']));
  });

  test('memberships_readable equals /members', async () => {
    for (const room of rooms) {
      const rows = await server.look<{ user_id: string; membership: string }>(
        `SELECT user_id, membership FROM memberships_readable WHERE room_id = '${room}' ORDER BY user_id`,
      );
      const { chunk } = await alice.get<{ chunk: ClientEvent[] }>(pathOf('rooms', room, 'members'));
      const members = chunk.map(({ state_key, content }) => ({ user_id: state_key, membership: content.membership }));
      expect(rows).toEqual(members.sort((a, b) => (String(a.user_id) < String(b.user_id) ? -1 : 1)));
    }
  });

  test('a view shows as many rows as its table has', async () => {
    const views = ['events', 'rooms', 'memberships', 'relations', 'receipts', 'accounts', 'devices', 'account_data'];
    for (const table of views) {
      const [row] = await server.look<{ view: number; rows: number }>(
        `SELECT (SELECT count(*) FROM ${table}_readable) AS view, (SELECT count(*) FROM ${table}) AS rows`,
      );
      expect(Number(row?.rows), table).toBeGreaterThan(0);
      expect(row?.view, table).toEqual(row?.rows);
    }
  });

  test('media_readable has no hash until there is content', async () => {
    await alice.post('/_matrix/media/v1/create');
    const rows = await server.look('SELECT user_id, kind, hash FROM media_readable');
    expect(rows).toEqual([{ user_id: alice.userId, kind: 'upload', hash: null }]);
  });

  test('every view can be read', async () => {
    const tables = await server.look<{ name: string }>(engine === 'SQLite' ? TABLES : TABLES_POSTGRES);
    const views = tables.filter(({ name }) => name.endsWith('_readable'));
    expect(views.length).toBeGreaterThan(10);
    for (const { name } of views) await server.look(`SELECT * FROM ${name}`);
  });

  test('docs/operating/database.md explains every table and view', async () => {
    const tables = await server.look<{ name: string }>(engine === 'SQLite' ? TABLES : TABLES_POSTGRES);
    const explained = new Set(
      readFileSync(DOCUMENT, 'utf8')
        .split('\n')
        .flatMap((line) => /^\| `([a-z_]+)` \|/.exec(line)?.[1] ?? []),
    );
    expect(tables.length).toBeGreaterThan(60);
    expect(tables.map(({ name }) => name).filter((name) => !explained.has(name))).toEqual([]);
  });

  test.runIf(engine === 'SQLite')('a condition on the room keeps the views from reading other rooms', async () => {
    const room = `room_id = '${rooms[0]}'`;
    const conditions = [`events_readable WHERE seq IS NOT NULL AND ${room}`, `room_state_readable WHERE ${room}`];
    for (const condition of [...conditions, `memberships_readable WHERE ${room}`]) {
      const plan = await server.look<{ detail: string }>(`EXPLAIN QUERY PLAN SELECT * FROM ${condition}`);
      const tables = plan.filter(({ detail }) => /^SCAN (e|m|r|room|type|sender|member)\b/.test(detail));
      expect(tables, condition).toEqual([]);
    }
  });
});
