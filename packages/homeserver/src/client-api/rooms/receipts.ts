import { setReadMarker } from '@hearth/api/client/receipts/read-markers.ts';
import { postReceipt } from '@hearth/api/client/receipts/receipt.ts';
import { type Route, route } from '../../http/route.ts';
import type { Receipts } from '../../receipts/receipts.ts';

/** Returns the routes for receipts and read markers (client-server API, "Receipts", "Fully read markers"). */
export function receiptRoutes({ receipts }: { readonly receipts: Receipts }): Route[] {
  return [
    route(postReceipt, async ({ caller, params, body }) => {
      await receipts.send(caller, params.roomId, params.receiptType, params.eventId, body.thread_id);
      return {};
    }),
    route(setReadMarker, async ({ caller, params, body }) => {
      for (const type of ['m.fully_read', 'm.read', 'm.read.private'] as const) {
        const eventId = body[type];
        if (eventId !== undefined) await receipts.send(caller, params.roomId, type, eventId);
      }
      return {};
    }),
  ];
}
