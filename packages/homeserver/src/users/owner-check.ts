import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Accounts } from './accounts.ts';
import { dummyStage, passwordStage } from './auth-stages.ts';
import type { InteractiveAuth, Verdict } from './interactive-auth.ts';

/** Asks the caller to prove that the account is theirs, beyond the access token. */
export class OwnerCheck {
  readonly #accounts: Accounts;
  readonly #interactiveAuth: InteractiveAuth;
  readonly #server: ServerName;

  constructor(accounts: Accounts, interactiveAuth: InteractiveAuth, server: ServerName) {
    this.#accounts = accounts;
    this.#interactiveAuth = interactiveAuth;
    this.#server = server;
  }

  /** By password; an account that has none is asked to confirm only. */
  async judge(
    operation: string,
    caller: { readonly user: number; readonly userId: string },
    body: JsonObject,
  ): Promise<Verdict> {
    const account = await this.#accounts.find(caller.userId);
    const stage = account?.hasPassword ? passwordStage(this.#accounts, this.#server, caller.userId) : dummyStage;
    return this.#interactiveAuth.judge({ operation, user: caller.user, body, flows: [[stage]] });
  }
}
