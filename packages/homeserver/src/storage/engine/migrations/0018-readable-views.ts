import type { Migration } from './migration.ts';

/** The expressions that the engines write differently. */
interface Expressions {
  /** Renders an event id from its stored bytes; `version` is the room's version. */
  readonly eventId: (id: string, version: string) => string;
  /** Renders a time from milliseconds since 1970. */
  readonly time: (ms: string) => string;
  /** Renders bytes as hexadecimal digits. */
  readonly hex: (bytes: string) => string;
}

/** The digits of base64 up to the two in which its alphabets differ. */
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Views for operators: tables whose columns are numbers, with the texts for which the numbers stand. */
export const readableViews: Migration = {
  version: 18,
  name: 'views for operators',
  oldestCompatible: 15,
  statements: [
    {
      sqlite: views({ eventId: sqliteEventId, time: sqliteTime, hex: (bytes) => `lower(nullif(hex(${bytes}), ''))` }),
      postgres: views({
        eventId: postgresEventId,
        time: (ms) => `to_timestamp(${ms} / 1000.0)`,
        hex: (bytes) => `encode(${bytes}, 'hex')`,
      }),
    },
  ],
};

function views(expressions: Expressions): string[] {
  return [...roomViews(expressions), ...userViews(expressions)];
}

function roomViews({ eventId, time }: Expressions): string[] {
  const ofEvent = `${eventId('e.id', 'r.version')} AS event_id`;
  return [
    `CREATE VIEW events_readable AS
      SELECT e.num, room.text AS room_id, e.seq, ${ofEvent}, type.text AS type, sender.text AS sender,
        state_key.text AS state_key, ${time('e.ts')} AS sent,
        CASE e.standing WHEN 0 THEN 'accepted' WHEN 1 THEN 'soft-failed' WHEN 2 THEN 'rejected' ELSE 'outlier' END AS standing,
        e.replaces, e.redacted_by, e.content, e.extra
      FROM events e JOIN rooms r ON r.num = e.room JOIN names room ON room.num = e.room
        JOIN names type ON type.num = e.type JOIN names sender ON sender.num = e.sender
        LEFT JOIN names state_key ON state_key.num = e.state_key`,
    // Partitioned by texts, so that both engines apply a condition on the room before they read events.
    `CREATE VIEW room_state_readable AS
      SELECT num, room_id, type, state_key, event_id, sender, sent, content FROM (
        SELECT e.num, room.text AS room_id, type.text AS type, state_key.text AS state_key, ${ofEvent},
          sender.text AS sender, ${time('e.ts')} AS sent, e.content,
          row_number() OVER (PARTITION BY room.text, type.text, state_key.text ORDER BY e.num DESC) AS age
        FROM events e JOIN rooms r ON r.num = e.room JOIN names room ON room.num = e.room
          JOIN names type ON type.num = e.type JOIN names sender ON sender.num = e.sender
          JOIN names state_key ON state_key.num = e.state_key
        WHERE e.seq IS NOT NULL AND e.standing = 0
      ) AS state WHERE age = 1`,
    `CREATE VIEW rooms_readable AS
      SELECT r.num, room.text AS room_id, r.version, r.joined, r.invited, r.published, r.seq AS events,
        ${time('e.ts')} AS last_sent
      FROM rooms r JOIN names room ON room.num = r.num LEFT JOIN events e ON e.num = r.last_event`,
    `CREATE VIEW memberships_readable AS
      SELECT room.text AS room_id, member.text AS user_id,
        CASE m.membership WHEN 1 THEN 'join' WHEN 2 THEN 'invite' WHEN 3 THEN 'knock' WHEN 4 THEN 'leave'
          WHEN 5 THEN 'ban' ELSE 'none' END AS membership,
        m.forgotten, m.event
      FROM memberships m JOIN names room ON room.num = m.room JOIN names member ON member.num = m.user_num`,
    `CREATE VIEW aliases_readable AS
      SELECT a.alias, room.text AS room_id, creator.text AS creator
      FROM aliases a JOIN names room ON room.num = a.room JOIN names creator ON creator.num = a.creator`,
    `CREATE VIEW relations_readable AS
      SELECT room.text AS room_id, rel_type.text AS rel_type, ${eventId('p.id', 'r.version')} AS parent_id,
        ${eventId('c.id', 'r.version')} AS child_id, l.parent, l.child
      FROM relations l JOIN events p ON p.num = l.parent JOIN events c ON c.num = l.child
        JOIN rooms r ON r.num = p.room JOIN names room ON room.num = p.room JOIN names rel_type ON rel_type.num = l.rel_type`,
    `CREATE VIEW receipts_readable AS
      SELECT room.text AS room_id, reader.text AS user_id,
        CASE c.type WHEN 1 THEN 'm.read' ELSE 'm.read.private' END AS type, c.thread, c.event_id, ${time('c.ts')} AS sent
      FROM receipts c JOIN names room ON room.num = c.room JOIN names reader ON reader.num = c.user_num`,
    `CREATE VIEW reports_readable AS
      SELECT p.id, reporter.text AS reporter, ${time('p.ts')} AS sent, room.text AS room_id, ${ofEvent},
        reported.text AS user_id, p.reason, p.score
      FROM reports p JOIN names reporter ON reporter.num = p.reporter LEFT JOIN names room ON room.num = p.room
        LEFT JOIN events e ON e.num = p.event LEFT JOIN rooms r ON r.num = e.room
        LEFT JOIN names reported ON reported.num = p.user_num`,
  ];
}

function userViews({ time, hex }: Expressions): string[] {
  return [
    `CREATE VIEW accounts_readable AS
      SELECT a.user_num, name.text AS user_id, a.user_type, a.is_admin, a.is_guest, a.is_deactivated, a.is_erased,
        a.is_locked, a.is_suspended, ${time('a.created')} AS created
      FROM accounts a JOIN names name ON name.num = a.user_num`,
    `CREATE VIEW devices_readable AS
      SELECT d.num, owner.text AS user_id, d.device_id, d.display_name, ${time('d.created')} AS created,
        ${time('d.seen_ts')} AS seen, d.seen_ip, d.seen_agent
      FROM devices d JOIN names owner ON owner.num = d.user_num`,
    `CREATE VIEW account_data_readable AS
      SELECT owner.text AS user_id, room.text AS room_id, type.text AS type, d.content
      FROM account_data d JOIN names owner ON owner.num = d.user_num JOIN names type ON type.num = d.type
        LEFT JOIN names room ON room.num = d.room AND d.room <> 0`,
    `CREATE VIEW media_readable AS
      SELECT origin.text AS origin, m.media_id, CASE m.kind WHEN 0 THEN 'upload' WHEN 1 THEN 'preview' ELSE 'copy' END AS kind,
        owner.text AS user_id, ${hex('m.hash')} AS hash, m.bytes, m.content_type, m.file_name,
        ${time('m.created')} AS created, ${time('m.expires')} AS expires, ${time('m.used')} AS used, m.quarantined
      FROM media m JOIN names origin ON origin.num = m.origin LEFT JOIN names owner ON owner.num = m.user_num`,
    `CREATE VIEW pushers_readable AS
      SELECT p.num, owner.text AS user_id, d.device_id, p.app_id, p.kind, p.app_display_name, ${time('p.set_ts')} AS set_at,
        (SELECT count(*) FROM push_queue q WHERE q.pusher = p.num) AS waiting
      FROM pushers p JOIN names owner ON owner.num = p.user_num LEFT JOIN devices d ON d.num = p.device`,
    `CREATE VIEW to_device_readable AS
      SELECT owner.text AS user_id, d.device_id, count(*) AS waiting, sum(length(m.json)) AS characters,
        ${time('min(m.ts)')} AS oldest
      FROM to_device_messages m JOIN devices d ON d.num = m.device JOIN names owner ON owner.num = d.user_num
      GROUP BY owner.text, d.device_id`,
    `CREATE VIEW key_backups_readable AS
      SELECT owner.text AS user_id, b.version, b.algorithm, b.sessions
      FROM key_backups b JOIN names owner ON owner.num = b.user_num`,
  ];
}

/**
 * Returns an SQL expression for an event id. SQLite has no base64, so three hexadecimal digits at a time become two
 * characters.
 */
function sqliteEventId(id: string, version: string): string {
  const digit = (at: number) => `(instr('0123456789ABCDEF', substr(digits, 3 * n + ${at}, 1)) - 1)`;
  const characters = [
    `substr(alphabet, ${digit(1)} * 4 + ${digit(2)} / 4 + 1, 1)`,
    `substr(alphabet, ${digit(2)} % 4 * 16 + ${digit(3)} + 1, 1)`,
  ];
  return `CASE WHEN length(${id}) = 32 THEN '$' || (
    WITH RECURSIVE base64 (n, done, digits, alphabet) AS (
      SELECT 0, '', hex(${id}) || '00', '${BASE64}' || CASE ${version} WHEN '3' THEN '+/' ELSE '-_' END
      UNION ALL SELECT n + 1, done || ${characters.join(' || ')}, digits, alphabet FROM base64 WHERE n < 22
    ) SELECT substr(done, 1, 43) FROM base64 WHERE n = 22
  ) ELSE CAST(${id} AS TEXT) END`;
}

function postgresEventId(id: string, version: string): string {
  const base64 = `rtrim(encode(${id}, 'base64'), '=')`;
  return `CASE WHEN length(${id}) <> 32 THEN convert_from(${id}, 'UTF8')
    WHEN ${version} = '3' THEN '$' || ${base64} ELSE '$' || translate(${base64}, '+/', '-_') END`;
}

function sqliteTime(ms: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%fZ', ${ms} / 1000.0, 'unixepoch')`;
}
