import { deleteDevices } from '@hearth/api/client/devices/delete-devices.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import { type DeletingDevices, deleteOwnDevices } from '../support/delete-devices.ts';

/** Returns the route of `POST /delete_devices` (client-server API, "Device Management"). */
export function deleteDevicesRoutes(deleting: DeletingDevices): Route[] {
  const { ownerCheck } = deleting;
  return [
    route(deleteDevices, ({ caller, body: given, remoteAddress: from }) => {
      const request = { operation: 'deleteDevices', caller, from };
      const body = ownerCheck.recall(request, given);
      if (body.devices === undefined) throw missingParam("Missing member 'devices'");
      return deleteOwnDevices(deleting, request, body.devices, body);
    }),
  ];
}
