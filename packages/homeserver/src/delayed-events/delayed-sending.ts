import { forbidden, userLocked, userSuspended } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Actor } from '../rooms/actor.ts';
import type { Membership } from '../rooms/membership/membership-view.ts';
import type { Sender } from '../rooms/send.ts';
import type { Write } from '../storage/engine/database.ts';
import type { DelayedEventRow } from '../storage/rooms/events/delayed-events.ts';
import type { Accounts } from '../users/accounts.ts';

/** Sends delayed events in the names of the users who scheduled them. */
export class DelayedSending {
  readonly #sender: Sender;
  readonly #membership: Membership;
  readonly #accounts: Accounts;

  constructor(sender: Sender, membership: Membership, accounts: Accounts) {
    this.#sender = sender;
    this.#membership = membership;
    this.#accounts = accounts;
  }

  /** Checks that a user may schedule events of a room. @throws MatrixError M_FORBIDDEN */
  async check(roomId: string, user: number): Promise<void> {
    if (!(await this.#membership.isJoined(roomId, user))) throw forbidden('You are not in this room');
  }

  /**
   * Sends an event.
   * @param writes belong to the same transaction, if an event is sent
   * @throws MatrixError when the user may not send it any more
   */
  async send(row: DelayedEventRow, writes: readonly Write[]): Promise<void> {
    const { room_id: roomId, type, state_key: stateKey } = row;
    const content = JSON.parse(row.content) as JsonObject;
    const sending = {
      sender: await this.#actor(row),
      with: writes,
      ...(row.txn !== null && { transaction: { device: row.device, txn: row.txn } }),
      ...(row.sticky_ms !== null && { stickyMs: row.sticky_ms }),
    };
    if (stateKey === null) await this.#sender.message(roomId, type, content, sending);
    else await this.#sender.state(roomId, [type, stateKey], content, sending);
  }

  /** Returns the user who scheduled an event. @throws MatrixError when that user may not send events any more */
  async #actor({ user_num: user, user_id: userId }: DelayedEventRow): Promise<Actor> {
    const account = await this.#accounts.find(userId);
    if (account === undefined || account.isDeactivated)
      throw forbidden('The account of the sender does not exist any more');
    if (account.isLocked) throw userLocked();
    if (account.isSuspended) throw userSuspended();
    return { user, userId, isGuest: account.isGuest };
  }
}
