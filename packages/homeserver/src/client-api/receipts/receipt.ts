import { postReceipt } from '@hearth/api/client/receipts/receipt.ts';
import { type Route, route } from '../../http/route.ts';
import type { Receipts } from '../../receipts/receipts.ts';

/** Returns the route of `POST /rooms/{roomId}/receipt/{receiptType}/{eventId}` (client-server API, "Receipts"). */
export function receiptRoutes(receipts: Receipts): Route[] {
  return [
    route(postReceipt, async ({ caller, params, body }) => {
      await receipts.send(caller, params.roomId, params.receiptType, params.eventId, body.thread_id);
      return {};
    }),
  ];
}
