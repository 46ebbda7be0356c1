import { getUserDevices } from '@hearth/api/federation/user/devices.ts';
import type { DeviceList, DeviceListReader } from '../../encryption/device-list.ts';
import { RawJson, type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /user/devices/{userId}` (server-server API, "Device Management"). */
export function userDevicesRoutes(deviceLists: DeviceListReader, showsDeviceNames: boolean): Route[] {
  return [
    route(
      getUserDevices,
      async ({ params: { userId } }) => new RawJson(render(userId, await deviceLists.of(userId), showsDeviceNames)),
    ),
  ];
}

function render(userId: string, { streamId, keys }: DeviceList, showsDeviceNames: boolean): string {
  const devices = Array.from(keys.devices, ({ device_id, display_name, json }) => {
    const isNamed = showsDeviceNames && display_name !== null;
    const name = isNamed ? `,"device_display_name":${JSON.stringify(display_name)}` : '';
    return `{"device_id":${JSON.stringify(device_id)},"keys":${json}${name}}`;
  });
  const master = optional('master_key', keys.crossSigningText('master'));
  const selfSigning = optional('self_signing_key', keys.crossSigningText('self_signing'));
  const list = `"stream_id":${streamId},"devices":[${devices.join(',')}]`;
  return `{"user_id":${JSON.stringify(userId)},${list}${master}${selfSigning}}`;
}

function optional(name: string, text: string | undefined): string {
  return text === undefined ? '' : `,"${name}":${text}`;
}
