import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Accounts } from './accounts.ts';
import { dummyStage, passwordStage } from './auth-stages.ts';
import type { InteractiveAuth, Verdict } from './interactive-auth.ts';
import type { PasswordCheck } from './password-check.ts';

/** A request that only the owner of the caller's account may make. */
export interface OwnerRequest {
  readonly operation: string;
  readonly caller: { readonly user: number; readonly userId: string };
  /** The address of the request. */
  readonly from: string;
}

interface OwnerCheckParts {
  readonly accounts: Accounts;
  readonly passwordCheck: PasswordCheck;
  readonly interactiveAuth: InteractiveAuth;
  readonly server: ServerName;
}

/** Asks the caller to prove that the account is theirs, beyond the access token. */
export class OwnerCheck {
  readonly #parts: OwnerCheckParts;

  constructor(parts: OwnerCheckParts) {
    this.#parts = parts;
  }

  /** Asks for the password; an account that has none is asked to confirm only. @throws MatrixError */
  async judge({ operation, caller, from }: OwnerRequest, body: JsonObject): Promise<Verdict> {
    const { accounts, passwordCheck, interactiveAuth, server } = this.#parts;
    const account = await accounts.find(caller.userId);
    const stage = account?.hasPassword ? passwordStage(passwordCheck, server, caller.userId, from) : dummyStage;
    return interactiveAuth.judge({ operation, user: caller.user, body, flows: [[stage]] });
  }
}
