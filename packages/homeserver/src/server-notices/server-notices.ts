import { notFound, unknown } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Tags } from '../account-data/tags.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import type { RoomCreation } from '../rooms/creation/create.ts';
import type { TransactionKey } from '../rooms/events/draft.ts';
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

/** An event for a user. */
export interface Notice {
  readonly userId: string;
  readonly type: string;
  /** Present exactly for state events. */
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
  readonly transaction: TransactionKey | undefined;
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
    const { from, accounts, rooms } = this.#parts;
    if (from === undefined)
      throw unknown('This server sends no server notices: set server_notices.localpart in its configuration', 400);
    const account = await accounts.find(notice.userId);
    if (account === undefined || account.isDeactivated) throw notFound('The user does not exist on this server');
    const sender = { ...from, isGuest: false };
    const { type, stateKey, content, transaction } = notice;
    const earlier = transaction === undefined ? undefined : await rooms.sender.earlier(transaction);
    if (earlier !== undefined) return earlier;
    const { roomId } = await this.#byUser.run(account.user, () => this.#prepare(from, account));
    return stateKey === undefined
      ? rooms.sender.message(roomId, type, content, { sender, ...(transaction !== undefined && { transaction }) })
      : rooms.sender.state(roomId, [type, stateKey], content, { sender });
  }

  /** Returns the room for the notices to a user, who is invited or has joined, as the settings describe it. */
  async #prepare(from: NoticesSender, { user, userId, isGuest }: Account): Promise<Head> {
    const { settings } = this.#parts;
    const { memberChanges } = this.#parts.rooms;
    const known = await this.#roomOf(user);
    const head = known ?? (await this.#create(from, user));
    if (known !== undefined) await this.#describe(known, from);
    const membership = (await head.state('m.room.member', userId))?.content.membership;
    if (membership === 'join') return head;
    const actor = { ...from, isGuest: false };
    if (membership !== 'invite')
      await memberChanges.change(head, { actor, target: userId, content: { membership: 'invite' } });
    if (settings.isJoinedAtOnce) {
      const own = { user, userId, isGuest };
      await memberChanges.change(head, { actor: own, target: userId, content: { membership: 'join' } });
    }
    return head;
  }

  async #roomOf(user: number): Promise<Head | undefined> {
    const room = await readNoticeRoom(this.#parts.database, user);
    return room === undefined ? undefined : this.#parts.rooms.heads.byNum(room);
  }

  async #create(from: NoticesSender, recipient: number): Promise<Head> {
    const { settings, rooms, database, tags } = this.#parts;
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
    await tags.set(recipient, head.num, TAG, {});
    return head;
  }

  /** Gives a room the name, topic and avatar of the settings. */
  async #describe(head: Head, from: NoticesSender): Promise<void> {
    const { roomName: name, roomTopic: topic, roomAvatarUrl: url } = this.#parts.settings;
    const wanted = [
      ['m.room.name', 'name', name],
      ['m.room.topic', 'topic', topic],
      ['m.room.avatar', 'url', url],
    ] as const;
    for (const [type, key, value] of wanted) {
      const current = (await head.state(type))?.content[key] ?? '';
      if (value === undefined || value === current) continue;
      await this.#parts.rooms.sender.state(
        head.roomId,
        [type, ''],
        { [key]: value },
        { sender: { ...from, isGuest: false } },
      );
    }
  }
}
