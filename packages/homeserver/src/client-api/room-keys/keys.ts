import {
  deleteRoomKeyBySessionId,
  deleteRoomKeys,
  deleteRoomKeysByRoomId,
  getRoomKeyBySessionId,
  getRoomKeys,
  getRoomKeysByRoomId,
  putRoomKeyBySessionId,
  putRoomKeys,
  putRoomKeysByRoomId,
} from '@hearth/api/client/room-keys/keys.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import { backedUpKey, backedUpKeyText } from '../../encryption/backed-up-key.ts';
import type { KeyBackups } from '../../encryption/key-backup.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { BackupSessionRow } from '../../storage/encryption/key-backups.ts';
import type { Names } from '../../storage/engine/names.ts';

/** Returns the routes of `/room_keys/keys` and the paths below (client-server API, "Server-side key backups"). */
export function roomKeysRoutes(keyBackups: KeyBackups, names: Names): Route[] {
  return [...putRoutes(keyBackups), ...getRoutes(keyBackups, names), ...deleteRoutes(keyBackups)];
}

/** Returns the routes that upload keys. */
function putRoutes(keyBackups: KeyBackups): Route[] {
  return [
    route(putRoomKeys, async ({ caller, query, body }) => {
      const keys = Object.entries(body.rooms).flatMap(([roomId, { sessions }]) =>
        Object.entries(sessions).map(([sessionId, key]) => backedUpKey(roomId, sessionId, key)),
      );
      return { ...(await keyBackups.put(caller.user, query.version, keys)) };
    }),
    route(putRoomKeysByRoomId, async ({ caller, params, query, body }) => {
      const keys = Object.entries(body.sessions).map(([id, key]) => backedUpKey(params.roomId, id, key));
      return { ...(await keyBackups.put(caller.user, query.version, keys)) };
    }),
    route(putRoomKeyBySessionId, async ({ caller, params, query, body }) => {
      const key = backedUpKey(params.roomId, params.sessionId, body);
      return { ...(await keyBackups.put(caller.user, query.version, [key])) };
    }),
  ];
}

/** Returns the routes that read keys. */
function getRoutes(keyBackups: KeyBackups, names: Names): Route[] {
  return [
    route(getRoomKeys, async ({ caller, query }) => {
      const rows = await keyBackups.sessions(caller.user, query.version);
      const byRoom = Map.groupBy(rows, ({ room }) => room);
      const ids = await names.texts(byRoom.keys());
      const rooms = [...byRoom].map(([room, of]) => `${JSON.stringify(ids.get(room))}:${renderSessions(of)}`);
      return new RawJson(`{"rooms":{${rooms.join(',')}}}`);
    }),
    route(getRoomKeysByRoomId, async ({ caller, params, query }) => {
      const rows = await keyBackups.sessions(caller.user, query.version, params.roomId);
      return new RawJson(renderSessions(rows));
    }),
    route(getRoomKeyBySessionId, async ({ caller, params, query }) => {
      const [row] = await keyBackups.sessions(caller.user, query.version, params.roomId, params.sessionId);
      if (row === undefined) throw notFound('The backup has no key of this session');
      return new RawJson(backedUpKeyText(row));
    }),
  ];
}

/** Returns the routes that delete keys. */
function deleteRoutes(keyBackups: KeyBackups): Route[] {
  return [
    route(deleteRoomKeys, async ({ caller, query }) => ({ ...(await keyBackups.remove(caller.user, query.version)) })),
    route(deleteRoomKeysByRoomId, async ({ caller, params, query }) => ({
      ...(await keyBackups.remove(caller.user, query.version, params.roomId)),
    })),
    route(deleteRoomKeyBySessionId, async ({ caller, params, query }) => ({
      ...(await keyBackups.remove(caller.user, query.version, params.roomId, params.sessionId)),
    })),
  ];
}

function renderSessions(rows: readonly BackupSessionRow[]): string {
  const sessions = rows.map((row) => `${JSON.stringify(row.session_id)}:${backedUpKeyText(row)}`);
  return `{"sessions":{${sessions.join(',')}}}`;
}
