import { pusherRoutes } from './client-api/pushers.ts';
import type { Reading } from './compose-rooms.ts';
import type { Route } from './http/route.ts';
import type { Background } from './platform/concurrency/background.ts';
import { Delivery } from './push/delivery.ts';
import { HttpChannel } from './push/http-channel.ts';
import { MailChannel } from './push/mail/mail-channel.ts';
import { openMailer } from './push/mail/mailer.ts';
import type { PostJson } from './push/post-json.ts';
import { Push } from './push/push.ts';
import { Pushers } from './push/pushers.ts';
import type { MailSettings } from './settings.ts';
import type { Users } from './users/open-users.ts';

export interface PushBase {
  readonly reading: Reading;
  readonly users: Users;
  readonly background: Background;
  readonly postJson: PostJson;
  readonly mail: MailSettings | undefined;
}

/** One address, with nothing in it that a mail server could take for more. */
const ADDRESS = /^[^\s@<>(),:;"\\[\]]{1,64}@[^\s@<>(),:;"\\[\]]{1,190}$/u;

/** Telling users of events beyond `/sync`. */
export async function openPush({ reading, users, background, postJson, mail }: PushBase) {
  // Until users can prove that an address is theirs, it is the administrator who says that any will do.
  const mayMail = (_user: number, address: string) =>
    Promise.resolve(mail?.toAnyAddress === true && ADDRESS.test(address));
  const pushers = await Pushers.open({ ...reading, mayMail });
  const httpChannel = new HttpChannel({ ...reading, postJson });
  const mailChannel =
    mail === undefined ? undefined : new MailChannel({ ...reading, ...mail, sendMail: openMailer(mail.mailer) });
  const channelOf = (kind: string) => (kind === 'http' ? httpChannel : mailChannel);
  const delivery = new Delivery({ ...reading, background, pushers, channelOf });
  const push = new Push({ ...reading, background, pushers, delivery, httpChannel });
  users.sessions.onRemoved((_user, devices) => pushers.departure(devices));
  return {
    pushers,
    push,
    close() {
      push.close();
    },
  };
}

export type PushService = Awaited<ReturnType<typeof openPush>>;

/** The endpoints of {@link openPush}. */
export function pushRoutes(service: PushService, reading: Reading): Route[] {
  return pusherRoutes({ ...reading, ...service });
}
