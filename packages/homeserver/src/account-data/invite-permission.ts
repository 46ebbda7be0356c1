import { isObject, type JsonValue } from '@hearth/protocol/json/value.ts';
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

  /** Returns whether a user of this server blocks all invites, as a promise only if data have to be loaded. */
  blocks(user: number): boolean | Promise<boolean> {
    const data = this.#accountData.of(user);
    return data instanceof Promise ? data.then(isBlocking) : isBlocking(data);
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
