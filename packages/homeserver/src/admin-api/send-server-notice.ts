import { sendServerNotice, sendServerNoticeOnce } from '@hearth/api/admin/send-server-notice.ts';
import type { Body } from '@hearth/api/endpoint.ts';
import { eventIdReply } from '../client-api/support/sending.ts';
import { type Route, route } from '../http/route.ts';
import type { NoticeTransaction, ServerNotices } from '../server-notices/server-notices.ts';

/** Returns the routes of `POST /send_server_notice` and `PUT /send_server_notice/{txnId}`. */
export function sendServerNoticeRoutes(notices: ServerNotices): Route[] {
  const send = async (body: Body<typeof sendServerNotice>, transaction: NoticeTransaction | undefined) => {
    const { user_id: userId, content, type, state_key: stateKey } = body;
    return eventIdReply(await notices.send({ userId, type, stateKey, content, transaction }));
  };
  return [
    route(sendServerNotice, ({ body }) => send(body, undefined)),
    route(sendServerNoticeOnce, ({ body, params, caller }) =>
      send(body, { device: caller.device, txnId: params.txnId }),
    ),
  ];
}
