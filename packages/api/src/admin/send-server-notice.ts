import * as v from 'valibot';
import { jsonObject } from '../definitions/json.ts';
import { endpoint } from '../endpoint.ts';

const notice = v.object({
  user_id: v.string(),
  content: jsonObject,
  type: v.optional(v.string(), 'm.room.message'),
  state_key: v.optional(v.string()),
});

/** `POST /send_server_notice`: sends a server notice to a user of this server. */
export const sendServerNotice = endpoint({
  operation: 'sendServerNotice',
  method: 'POST',
  paths: ['/_synapse/admin/v1/send_server_notice'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: notice,
});

/** `PUT /send_server_notice/{txnId}`: the same, once for each transaction id. */
export const sendServerNoticeOnce = endpoint({
  operation: 'sendServerNoticeOnce',
  method: 'PUT',
  paths: ['/_synapse/admin/v1/send_server_notice/{txnId}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: notice,
});
