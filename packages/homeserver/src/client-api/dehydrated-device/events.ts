import { getDehydratedDeviceEvents } from '@hearth/api/client/dehydrated-device/events.ts';
import type { DehydratedDevices } from '../../encryption/dehydrated-devices.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { parseStreamToken, streamToken } from '../../timeline/position.ts';

/** Returns the route of `POST /dehydrated_device/{deviceId}/events` (MSC3814). */
export function dehydratedDeviceEventsRoutes(dehydratedDevices: DehydratedDevices): Route[] {
  return [
    route(getDehydratedDeviceEvents, async ({ caller, params, body }) => {
      const from = body.next_batch === undefined ? 0 : parseStreamToken(body.next_batch, 'next_batch');
      const { texts, next } = await dehydratedDevices.events(caller.user, params.deviceId, from);
      return new RawJson(`{"events":[${texts.join(',')}],"next_batch":"${streamToken(next)}"}`);
    }),
  ];
}
