import { invalidParam, notFound, unknown } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Tags } from '../account-data/tags.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import type { Actor } from '../rooms/actor.ts';
import type { RoomCreation } from '../rooms/creation/create.ts';
import type { TransactionKey } from '../rooms/events/draft.ts';
import { transactionKey } from '../rooms/events/transaction-key.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { MemberChanges } from '../rooms/membership/member-change.ts';
import type { Sender } from '../rooms/send.ts';
import type { Database } from '../storage/engine/database.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { putNoticeRoom, readNoticeRoom } from '../storage/rooms/notice-rooms.ts';
import type { Account, Accounts } from '../users/accounts.ts';

/** The user who sends server notices. */
export interface NoticesSender {
  readonly userId: string;
  readonly user: number;
}

export interface NoticeSettings {
  readonly roomName: string;
  readonly roomTopic: string | undefined;
  readonly roomAvatarUrl: string | undefined;
  readonly isJoinedAtOnce: boolean;
}

/** The transaction id of an administrator's device. */
export interface NoticeTransaction {
  readonly device: number;
  readonly txnId: string;
}

/** An event for a user. */
export interface Notice {
  readonly userId: string;
  readonly type: string;
  /** Present exactly for state events. */
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
  readonly transaction: NoticeTransaction | undefined;
}

interface ServerNoticesParts {
  /** Undefined if the configuration names none. */
  readonly from: NoticesSender | undefined;
  readonly settings: NoticeSettings;
  readonly database: Database;
  readonly accounts: Accounts;
  readonly tags: Tags;
  readonly rooms: {
    readonly heads: Heads;
    readonly creation: RoomCreation;
    readonly memberChanges: MemberChanges;
    readonly sender: Sender;
  };
}

const TAG = 'm.server_notice';
/** The level of users in rooms with server notices, which is too low for any event. */
const RECIPIENT_LEVEL = -10;

/** Sends messages of the server to its users, to each in a room of their own (client-server API, "Server Notices"). */
export class ServerNotices {
  readonly #parts: ServerNoticesParts;
  readonly #byUser = new Serial<number>();

  constructor(parts: ServerNoticesParts) {
    this.#parts = parts;
  }

  /** Sends a notice. The same transaction id returns the same event. @throws MatrixError */
  async send(notice: Notice): Promise<StoredEvent> {
    const { from, accounts } = this.#parts;
    if (from === undefined)
      throw unknown('This server sends no server notices: set server_notices.localpart in its configuration', 400);
    if (notice.type === 'm.room.member') throw invalidParam('A server notice cannot change a membership');
    const account = await accounts.find(notice.userId);
    if (account === undefined || account.isDeactivated) throw notFound('The user does not exist on this server');
    return this.#byUser.run(account.user, async () => {
      const { sender } = this.#parts.rooms;
      const transaction = notice.transaction && transactionOf(from, notice.transaction);
      const earlier = transaction && (await sender.earlier(transaction));
      if (earlier !== undefined) return earlier;
      const head = await this.#room(from, account.user);
      // Members are notified of the notice. Others are invited after it, because a notice that is refused is none.
      const isFirst = this.#parts.settings.isJoinedAtOnce;
      if (isFirst) await this.#bringIn(head, from, account);
      const event = await this.#sendIn(head, from, notice, transaction);
      if (!isFirst) await this.#bringIn(head, from, account);
      return event;
    });
  }

  #sendIn(
    { roomId }: Head,
    from: NoticesSender,
    { type, stateKey, content }: Notice,
    transaction: TransactionKey | undefined,
  ): Promise<StoredEvent> {
    const { sender } = this.#parts.rooms;
    const sending = { sender: actorOf(from), ...(transaction !== undefined && { transaction }) };
    return stateKey === undefined
      ? sender.message(roomId, type, content, sending)
      : sender.state(roomId, [type, stateKey], content, sending);
  }

  /** Returns the room for the notices to a user, as the settings describe it. */
  async #room(from: NoticesSender, recipient: number): Promise<Head> {
    const { rooms, database, tags } = this.#parts;
    const num = await readNoticeRoom(database, recipient);
    const known = num === undefined ? undefined : await rooms.heads.byNum(num);
    // The configuration may have named another sender before.
    const isUsable = known?.joined.has(from.user) === true;
    const head = isUsable ? known : await this.#create(from, recipient);
    if (isUsable) await this.#describe(head, from);
    if ((await tags.of(recipient, head.num))[TAG] === undefined) await tags.set(recipient, head.num, TAG, {});
    return head;
  }

  async #create(from: NoticesSender, recipient: number): Promise<Head> {
    const { settings, rooms, database } = this.#parts;
    const { roomName, roomTopic, roomAvatarUrl } = settings;
    const { roomId } = await rooms.creation.create(
      { ...from, isAdmin: false },
      {
        preset: 'private_chat',
        power_level_content_override: { users_default: RECIPIENT_LEVEL },
        ...(roomName !== '' && { name: roomName }),
        ...(roomTopic !== undefined && { topic: roomTopic }),
        initial_state: roomAvatarUrl === undefined ? [] : [{ type: 'm.room.avatar', content: { url: roomAvatarUrl } }],
      },
    );
    const head = await rooms.heads.get(roomId);
    await database.commit([putNoticeRoom(recipient, head.num)]);
    return head;
  }

  /** Gives a room the name, topic and avatar of the settings. */
  async #describe(head: Head, from: NoticesSender): Promise<void> {
    const { roomName, roomTopic, roomAvatarUrl } = this.#parts.settings;
    const wanted = [
      ['m.room.name', 'name', roomName],
      ['m.room.topic', 'topic', roomTopic],
      ['m.room.avatar', 'url', roomAvatarUrl],
    ] as const;
    for (const [type, key, value] of wanted) {
      const current = (await head.state(type))?.content[key];
      if ((value ?? '') === (current ?? '')) continue;
      const content = value === undefined ? {} : { [key]: value };
      await this.#parts.rooms.sender.state(head.roomId, [type, ''], content, { sender: actorOf(from) });
    }
  }

  /** Invites a user to the room of the notices, or lets the user join it. */
  async #bringIn(head: Head, from: NoticesSender, { user, userId, isGuest }: Account): Promise<void> {
    const { settings } = this.#parts;
    const { memberChanges } = this.#parts.rooms;
    const membership = (await head.state('m.room.member', userId))?.content.membership;
    if (membership === 'join') return;
    if (membership !== 'invite')
      await memberChanges.change(head, { actor: actorOf(from), target: userId, content: { membership: 'invite' } });
    if (!settings.isJoinedAtOnce) return;
    const actor = { user, userId, isGuest };
    await memberChanges.change(head, { actor, target: userId, content: { membership: 'join' } });
  }
}

function actorOf({ user, userId }: NoticesSender): Actor {
  return { user, userId, isGuest: false };
}

/** Returns the transaction of the sender for that of an administrator, who may get the notice as well. */
function transactionOf({ user }: NoticesSender, { device, txnId }: NoticeTransaction): TransactionKey {
  return transactionKey(-user, ['send_server_notice', `${device}`], txnId);
}
