import type { Background } from '../platform/concurrency/background.ts';
import { Delivery } from '../push/delivery.ts';
import { HttpChannel } from '../push/http-channel.ts';
import { MailChannel } from '../push/mail/mail-channel.ts';
import { openMailer } from '../push/mail/mailer.ts';
import type { PostJson } from '../push/post-json.ts';
import { Push } from '../push/push.ts';
import { Pushers } from '../push/pushers.ts';
import type { MailSettings } from './settings.ts';
import type { Reading } from './sync.ts';
import type { Users } from './users.ts';

export interface PushBase {
  readonly reading: Reading;
  readonly users: Users;
  readonly background: Background;
  readonly postJson: PostJson;
  readonly mail: MailSettings | undefined;
}

/** The format of a single mail address, without characters that separate several addresses. */
const ADDRESS = /^[^\s@<>(),:;"\\[\]]{1,64}@[^\s@<>(),:;"\\[\]]{1,190}$/u;

/** Creates push notifications by gateways and mail. */
export async function openPush({ reading, users, background, postJson, mail }: PushBase) {
  // Users cannot prove yet that they own an address, so the administrator decides whether any address is accepted.
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
