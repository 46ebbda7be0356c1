import { invalidParam, limitExceeded, notFound } from '@hearth/protocol/errors.ts';
import { type Clock, DAY_MS } from '../platform/clock.ts';
import { type Random, randomText } from '../platform/random.ts';
import type { Membership } from '../rooms/membership/membership-view.ts';
import {
  countReports,
  deleteOldReports,
  insertReport,
  type ReportRow,
  readReports,
} from '../storage/accounts/reports.ts';
import type { Database } from '../storage/engine/database.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { Accounts } from '../users/accounts.ts';

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly membership: Membership;
  readonly events: EventStore;
  readonly accounts: Accounts;
}

/** The user who reports, and the reason. */
export interface Complaint {
  readonly user: number;
  readonly reason: string;
  readonly score?: number | null | undefined;
}

const REASON_CHARACTERS_MAX = 2_000;
const PER_DAY_MAX = 200;
const KEPT_MS = 365 * DAY_MS;

/** Reports of users to the administrators (client-server API, "Reporting Content"). They are kept for a year. */
export class Reports {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Reports an event. @throws MatrixError M_NOT_FOUND unless the user is in the room and the event belongs to it */
  async reportEvent(complaint: Complaint, roomId: string, eventId: string): Promise<void> {
    const { membership, events } = this.#parts;
    const event = await events.byId(eventId);
    const isHere = event !== undefined && event.seq !== null && event.roomId === roomId;
    if (!isHere || !(await membership.isJoined(roomId, complaint.user))) {
      throw notFound('The event does not exist, or you are not in the room');
    }
    await this.#add(complaint, { room: event.room, event: event.num, user_num: event.senderNum });
  }

  /** @throws MatrixError M_NOT_FOUND */
  async reportRoom(complaint: Complaint, roomId: string): Promise<void> {
    const room = await this.#parts.membership.roomNum(roomId);
    if (room === undefined) throw notFound('The room does not exist');
    await this.#add(complaint, { room, event: null, user_num: null });
  }

  /** @throws MatrixError M_NOT_FOUND */
  async reportUser(complaint: Complaint, userId: string): Promise<void> {
    const account = await this.#parts.accounts.find(userId);
    if (account === undefined) throw notFound('The user does not exist');
    await this.#add(complaint, { room: null, event: null, user_num: account.user });
  }

  /** Returns the latest reports, the newest first. */
  latest(limit: number): Promise<ReportRow[]> {
    return readReports(this.#parts.database, limit);
  }

  /** Deletes old reports. */
  async expire(): Promise<void> {
    await this.#parts.database.commit([deleteOldReports(this.#parts.clock.now() - KEPT_MS)]);
  }

  async #add({ user, reason, score }: Complaint, about: Pick<ReportRow, 'room' | 'event' | 'user_num'>): Promise<void> {
    const { database, clock, random } = this.#parts;
    if (reason.length > REASON_CHARACTERS_MAX) throw invalidParam('The reason is too long');
    const ts = clock.now();
    if ((await countReports(database, user, ts - DAY_MS)) >= PER_DAY_MAX) throw limitExceeded(DAY_MS);
    const id = randomText(random, 22);
    await database.commit([insertReport({ id, reporter: user, ts, ...about, reason, score: score ?? null })]);
  }
}
