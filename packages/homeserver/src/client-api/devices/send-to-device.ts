import { sendToDevice } from '@hearth/api/client/devices/send-to-device.ts';
import { badJson, invalidParam } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../../http/route.ts';
import { transactionKey } from '../../rooms/events/transaction-key.ts';
import { isByDevice, type Messages, type ToDevice } from '../../to-device/to-device.ts';

/** The maximum length of an event type (client-server API, "Size limits"). */
const TYPE_BYTES_MAX = 255;

/** Returns the route of `PUT /sendToDevice/{eventType}/{txnId}` (client-server API, "Send-to-Device messaging"). */
export function sendToDeviceRoutes(toDevice: ToDevice): Route[] {
  return [
    route(sendToDevice, async ({ caller, params, body }) => {
      const { eventType: type, txnId } = params;
      if (Buffer.byteLength(type) > TYPE_BYTES_MAX)
        throw invalidParam(`The event type is longer than ${TYPE_BYTES_MAX} bytes`);
      const { txn } = transactionKey(caller.device, ['sendToDevice', type], txnId);
      checkMessages(body.messages);
      await toDevice.send(caller, txn, { type, messages: body.messages });
      return {};
    }),
  ];
}

/** Checks the messages by user id and device id. @throws MatrixError M_BAD_JSON */
function checkMessages(messages: JsonObject): asserts messages is JsonObject & Messages {
  for (const [userId, devices] of Object.entries(messages)) {
    if (parseUserId(userId) === undefined) throw badJson('messages has a key that is not a user id');
    if (!isByDevice(devices)) throw badJson(`The messages for ${userId} must be an object of objects by device id`);
  }
}
