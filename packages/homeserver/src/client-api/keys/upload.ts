import { uploadKeys } from '@hearth/api/client/keys/upload.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import type { KeyUpload } from '../../encryption/key-upload.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `POST /keys/upload` (client-server API, "Key management API"). */
export function keyUploadRoutes(keyUpload: KeyUpload): Route[] {
  return [
    route(uploadKeys, async ({ caller, body }) => {
      const { deviceId } = caller;
      if (deviceId === undefined)
        throw missingParam("Missing parameter 'device_id', which must name the device of the keys");
      const counts = await keyUpload.upload(
        { ...caller, deviceId },
        {
          deviceKeys: body.device_keys,
          oneTimeKeys: body.one_time_keys,
          fallbackKeys: body.fallback_keys ?? body['org.matrix.msc2732.fallback_keys'],
        },
      );
      return { one_time_key_counts: counts };
    }),
  ];
}
