import { compileInviteFilter, type InviteAction, type InviteFilter } from '@hearth/protocol/invites/invite-filter.ts';
import { asObject, isObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { Lookups } from '../platform/lookups/lookups.ts';
import type { AccountDataRow } from '../storage/accounts/account-data.ts';
import type { Names } from '../storage/engine/names.ts';
import type { AccountData } from './account-data.ts';
import { GLOBAL, type UserData } from './user-data.ts';

const PERMISSION = 'm.invite_permission_config';
const FILTER = 'org.matrix.msc4155.invite_permission_config';

const CACHED_MAX = 5_000;

/**
 * The invites that users do not accept (client-server API, "Invite permission"; MSC4155), read from their account data
 * `m.invite_permission_config` and `org.matrix.msc4155.invite_permission_config`.
 */
export class InvitePermission {
  readonly #accountData: AccountData;
  readonly #names: Names;
  readonly #compiled = new LruMap<number, { readonly row: AccountDataRow; readonly filter: InviteFilter }>(CACHED_MAX, {
    bytesMax: cacheBytes(8),
    bytesOf: ({ row }) => 500 + 5 * textBytes(row.content),
  });

  readonly #noticesSender: string | undefined;

  /** @param noticesSender the user who sends server notices, whose invites nobody can refuse */
  constructor(accountData: AccountData, names: Names, noticesSender?: string) {
    this.#accountData = accountData;
    this.#names = names;
    this.#noticesSender = noticesSender;
  }

  /** Returns whether a user, who may belong to any server, refuses the invites of another one. */
  async blocks(userId: string, inviter: string): Promise<boolean> {
    const user = await this.#names.find(userId);
    if (user === undefined) return false;
    return this.#filterOf(user, await this.#accountData.of(user))?.(inviter) === 'block';
  }

  /** Returns whether a user of this server does not see the invites of another one. */
  async hides(user: number, inviter: string): Promise<boolean> {
    return isHidden(this.#filterOf(user, await this.#accountData.of(user))?.(inviter));
  }

  /** Returns a function that returns the same as {@link hides}; undefined if the user sees all invites. */
  hiding(lookups: Lookups, user: number): ((inviter: string) => boolean) | undefined {
    const filter = this.#filterOf(user, lookups.get(this.#accountData.source, user));
    return filter && ((inviter) => isHidden(filter(inviter)));
  }

  #filterOf(user: number, data: UserData): InviteFilter | undefined {
    const filter = this.#givenFilterOf(user, data);
    return filter && ((inviter) => (inviter === this.#noticesSender ? 'allow' : filter(inviter)));
  }

  #givenFilterOf(user: number, data: UserData): InviteFilter | undefined {
    const permission = data.get(GLOBAL, PERMISSION);
    if (permission !== undefined && blocksAll(permission)) return blockAll;
    const row = data.get(GLOBAL, FILTER);
    if (row === undefined) return undefined;
    const known = this.#compiled.get(user);
    if (known?.row === row) return known.filter;
    const filter = compileInviteFilter(asObject(JSON.parse(row.content) as JsonValue) ?? {});
    this.#compiled.set(user, { row, filter });
    return filter;
  }
}

const blockAll: InviteFilter = () => 'block';

function blocksAll({ content }: AccountDataRow): boolean {
  const permission = JSON.parse(content) as JsonValue;
  return isObject(permission) && permission.default_action === 'block';
}

function isHidden(action: InviteAction | undefined): boolean {
  return action === 'ignore' || action === 'block';
}
