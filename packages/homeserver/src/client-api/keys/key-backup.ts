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
import {
  deleteRoomKeysVersion,
  getRoomKeysVersion,
  getRoomKeysVersionCurrent,
  postRoomKeysVersion,
  putRoomKeysVersion,
} from '@hearth/api/client/room-keys/version.ts';
import { invalidParam, notFound } from '@hearth/protocol/errors.ts';
import { backedUpKey, backedUpKeyText } from '../../encryption/backed-up-key.ts';
import type { KeyBackups } from '../../encryption/key-backup.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { BackupSessionRow, KeyBackupRow } from '../../storage/encryption/key-backups.ts';
import type { Names } from '../../storage/engine/names.ts';

interface KeyBackupRouteDeps {
  readonly keyBackups: KeyBackups;
  readonly names: Names;
}

/** Returns the routes for key backups (client-server API, "Server-side key backups"). */
export function keyBackupRoutes(deps: KeyBackupRouteDeps): Route[] {
  return [...versionRoutes(deps), ...uploadRoutes(deps), ...readRoutes(deps), ...deleteRoutes(deps)];
}

function versionRoutes({ keyBackups }: KeyBackupRouteDeps): Route[] {
  return [
    route(postRoomKeysVersion, async ({ caller, body }) => ({
      version: await keyBackups.create(caller.user, body.algorithm, JSON.stringify(body.auth_data)),
    })),
    route(getRoomKeysVersionCurrent, async ({ caller }) => versionReply(await keyBackups.version(caller.user))),
    route(getRoomKeysVersion, async ({ caller, params }) =>
      versionReply(await keyBackups.version(caller.user, params.version)),
    ),
    route(putRoomKeysVersion, async ({ caller, params, body }) => {
      if ((body.version ?? params.version) !== params.version) {
        throw invalidParam('The version of the body is not that of the path');
      }
      await keyBackups.update(caller.user, params.version, body.algorithm, JSON.stringify(body.auth_data));
      return {};
    }),
    route(deleteRoomKeysVersion, async ({ caller, params }) => {
      await keyBackups.delete(caller.user, params.version);
      return {};
    }),
  ];
}

function uploadRoutes({ keyBackups }: KeyBackupRouteDeps): Route[] {
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

function readRoutes({ keyBackups, names }: KeyBackupRouteDeps): Route[] {
  return [
    route(getRoomKeys, async ({ caller, query }) => {
      const rows = await keyBackups.sessions(caller.user, query.version);
      const byRoom = Map.groupBy(rows, ({ room }) => room);
      const ids = await names.texts(byRoom.keys());
      const rooms = [...byRoom].map(([room, of]) => `${JSON.stringify(ids.get(room))}:${sessionsText(of)}`);
      return new RawJson(`{"rooms":{${rooms.join(',')}}}`);
    }),
    route(getRoomKeysByRoomId, async ({ caller, params, query }) => {
      const rows = await keyBackups.sessions(caller.user, query.version, params.roomId);
      return new RawJson(sessionsText(rows));
    }),
    route(getRoomKeyBySessionId, async ({ caller, params, query }) => {
      const [row] = await keyBackups.sessions(caller.user, query.version, params.roomId, params.sessionId);
      if (row === undefined) throw notFound('There is no key of this session in the backup');
      return new RawJson(backedUpKeyText(row));
    }),
  ];
}

function deleteRoutes({ keyBackups }: KeyBackupRouteDeps): Route[] {
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

function versionReply(row: KeyBackupRow): RawJson {
  const algorithm = JSON.stringify(row.algorithm);
  const counts = `"count":${row.sessions},"etag":"${row.etag}","version":"${row.version}"`;
  return new RawJson(`{"algorithm":${algorithm},"auth_data":${row.auth_data},${counts}}`);
}

function sessionsText(rows: readonly BackupSessionRow[]): string {
  const sessions = rows.map((row) => `${JSON.stringify(row.session_id)}:${backedUpKeyText(row)}`);
  return `{"sessions":{${sessions.join(',')}}}`;
}
