import { BadgeClearing } from '../push/badge-clearing.ts';
import { Badges } from '../push/badges.ts';
import { Delivery } from '../push/delivery.ts';
import { HttpChannel } from '../push/http-channel.ts';
import { MailChannel } from '../push/mail/mail-channel.ts';
import { openMailer } from '../push/mail/mailer.ts';
import { NotifiableEvents } from '../push/notifiable-events.ts';
import { Notifications } from '../push/notifications.ts';
import type { PostJson } from '../push/post-json.ts';
import { Push } from '../push/push.ts';
import { PushQueue } from '../push/push-queue.ts';
import { Pushers } from '../push/pushers.ts';
import { RoomNames } from '../push/room-name.ts';
import type { Activity } from './activity.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';
import type { MailSettings } from './settings.ts';
import type { Timeline } from './timeline.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

interface NotifiedDomains {
  readonly users: Users;
  readonly userData: UserData;
  readonly rooms: Rooms;
  readonly activity: Activity;
  readonly timeline: Timeline;
}

/** The connections to gateways and to the mail server. */
interface PushOutbound {
  readonly postJson: PostJson;
  readonly mail: MailSettings | undefined;
}

/** The format of a single mail address, without characters that separate several addresses. */
const ADDRESS = /^[^\s@<>(),:;"\\[\]]{1,64}@[^\s@<>(),:;"\\[\]]{1,190}$/u;

/** Creates push notifications by gateways and mail. */
export async function openPush(base: Base, domains: NotifiedDomains, { postJson, mail }: PushOutbound) {
  const { database, names, stream, clock, background } = base;
  const { heads, events, userRooms, memberships, rooms, timelines } = domains.rooms;
  const { visibility, verdicts, unread, newFollower } = domains.timeline;
  const { ignoredUsers, invitePermission } = domains.userData;
  const { receipts } = domains.activity;
  // Users cannot prove yet that they own an address. The administrator therefore decides whether any address is
  // accepted.
  const mayMail = (_user: number, address: string) =>
    Promise.resolve(mail?.toAnyAddress === true && ADDRESS.test(address));
  const pushers = await Pushers.open({ database, stream, clock, mayMail });
  const roomNames = new RoomNames(names, memberships);
  const badges = new Badges(heads, userRooms, rooms, unread);
  const notifiable = new NotifiableEvents(heads, events, userRooms, receipts);
  const httpChannel = new HttpChannel({ clock, names, roomNames, badges, notifiable, postJson });
  const { mailer, afterMs = 0, everyMs = 0 } = mail ?? {};
  const mailChannel =
    mailer && new MailChannel({ clock, names, roomNames, notifiable, sendMail: openMailer(mailer), afterMs, everyMs });
  const channelOf = (kind: string) => (kind === 'http' ? httpChannel : mailChannel);
  const delivery = new Delivery({ database, clock, background, pushers, channelOf });
  const queue = new PushQueue({ heads, names, visibility, ignoredUsers, invitePermission, verdicts, pushers });
  const push = new Push({ stream, clock, background, pushers, queue, delivery }, newFollower);
  const clearing = new BadgeClearing({ stream, clock, background, names, pushers, badges, httpChannel });
  domains.users.sessions.onRemoved((_user, devices) => pushers.removal(devices));
  return {
    pushers,
    push,
    notifications: new Notifications({ heads, events, userRooms, timelines, receipts, verdicts, visibility }),
    close() {
      clearing.close();
      push.close();
    },
  };
}

export type PushService = Awaited<ReturnType<typeof openPush>>;
