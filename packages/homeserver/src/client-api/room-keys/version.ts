import {
  deleteRoomKeysVersion,
  getRoomKeysVersion,
  getRoomKeysVersionCurrent,
  postRoomKeysVersion,
  putRoomKeysVersion,
} from '@hearth/api/client/room-keys/version.ts';
import { invalidParam } from '@hearth/protocol/errors.ts';
import type { KeyBackups } from '../../encryption/key-backup.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { KeyBackupRow } from '../../storage/encryption/key-backups.ts';

/**
 * Returns the routes of POST and GET `/room_keys/version` and GET, PUT and DELETE `/room_keys/version/{version}`
 * (client-server API, "Server-side key backups").
 */
export function roomKeysVersionRoutes(keyBackups: KeyBackups): Route[] {
  return [
    route(postRoomKeysVersion, async ({ caller, body }) => ({
      version: await keyBackups.create(caller.user, body.algorithm, JSON.stringify(body.auth_data)),
    })),
    route(getRoomKeysVersionCurrent, async ({ caller }) => renderVersion(await keyBackups.version(caller.user))),
    route(getRoomKeysVersion, async ({ caller, params }) =>
      renderVersion(await keyBackups.version(caller.user, params.version)),
    ),
    route(putRoomKeysVersion, async ({ caller, params, body }) => {
      if ((body.version ?? params.version) !== params.version) {
        throw invalidParam('The version in the body differs from the version in the path');
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

function renderVersion(row: KeyBackupRow): RawJson {
  const algorithm = JSON.stringify(row.algorithm);
  const counts = `"count":${row.sessions},"etag":"${row.etag}","version":"${row.version}"`;
  return new RawJson(`{"algorithm":${algorithm},"auth_data":${row.auth_data},${counts}}`);
}
