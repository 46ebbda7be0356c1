import { sendToDevice } from '@hearth/api/client/to-device.ts';
import { badJson, invalidParam } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../http/route.ts';
import { transactionKey } from '../rooms/transaction-key.ts';
import type { ToDevice } from '../to-device/to-device.ts';

const TYPE_BYTES_MAX = 255;

/** Messages from device to device (client-server API, "Send-to-Device messaging"). */
export function toDeviceRoutes({ toDevice }: { readonly toDevice: ToDevice }): Route[] {
  return [
    route(sendToDevice, async ({ caller, params, body }) => {
      const { eventType: type, txnId } = params;
      if (Buffer.byteLength(type) > TYPE_BYTES_MAX) throw invalidParam('The type is too long');
      const { txn } = transactionKey(caller.device, ['sendToDevice', type], txnId);
      await toDevice.send(caller, txn, { type, messages: messagesOf(body.messages) });
      return {};
    }),
  ];
}

/** Contents by user id and device id. @throws MatrixError M_BAD_JSON */
function messagesOf(messages: JsonObject): Map<string, Map<string, JsonObject>> {
  const users = new Map<string, Map<string, JsonObject>>();
  for (const [userId, devices] of Object.entries(messages)) {
    if (parseUserId(userId) === undefined) throw badJson('messages has a name that is no user id');
    if (!isObject(devices)) throw badJson(`The messages for ${userId} must be an object`);
    const contents = new Map<string, JsonObject>();
    for (const [deviceId, content] of Object.entries(devices)) {
      if (!isObject(content)) throw badJson(`A message for ${userId} must be an object`);
      contents.set(deviceId, content);
    }
    users.set(userId, contents);
  }
  return users;
}
