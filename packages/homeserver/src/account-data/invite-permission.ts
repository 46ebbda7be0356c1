import { isObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { Lookups } from '../platform/lookups/lookups.ts';
import type { Names } from '../storage/engine/names.ts';
import type { AccountData } from './account-data.ts';
import { GLOBAL, type UserData } from './user-data.ts';

/** The users who block invites (client-server API, "Invite permission"), read from `m.invite_permission_config`. */
export class InvitePermission {
  readonly #accountData: AccountData;
  readonly #names: Names;

  constructor(accountData: AccountData, names: Names) {
    this.#accountData = accountData;
    this.#names = names;
  }

  /** Returns whether a user of this server blocks all invites. */
  async blocks(user: number): Promise<boolean> {
    return isBlocking(await this.#accountData.of(user));
  }

  /** Returns the same as {@link blocks}. */
  isBlocking(lookups: Lookups, user: number): boolean {
    return isBlocking(lookups.get(this.#accountData.source, user));
  }

  /** Returns the same as {@link blocks} for a user id, which may belong to any server. */
  async blocksInvitesTo(userId: string): Promise<boolean> {
    const user = await this.#names.find(userId);
    return user !== undefined && this.blocks(user);
  }
}

function isBlocking(data: UserData): boolean {
  const row = data.get(GLOBAL, 'm.invite_permission_config');
  if (row === undefined) return false;
  const content = JSON.parse(row.content) as JsonValue;
  return isObject(content) && content.default_action === 'block';
}
