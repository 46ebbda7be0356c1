import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { Accounts } from '../accounts.ts';
import { dummyStage, passwordStage } from './auth-stages.ts';
import type { Guarded, GuardedBody, InteractiveAuth, Verdict } from './interactive-auth.ts';
import type { PasswordCheck } from './password-check.ts';

/** A request that only the owner of the caller's account may make. */
export interface OwnerRequest {
  readonly operation: string;
  /** The parameter of the path, if there is one. */
  readonly target?: string;
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

  /** Returns the body, with the parameters of an earlier request of its session if it has `auth` alone. */
  recall<B extends GuardedBody>(request: OwnerRequest, body: B): B {
    return this.#parts.interactiveAuth.recall(guarded(request), body);
  }

  /** Asks for the password; an account that has none is asked to confirm only. @throws MatrixError */
  async judge(request: OwnerRequest, body: GuardedBody): Promise<Verdict> {
    const { caller, from } = request;
    const { accounts, passwordCheck, interactiveAuth, server } = this.#parts;
    const account = await accounts.find(caller.userId);
    const stage = account?.hasPassword ? passwordStage(passwordCheck, server, caller.userId, from) : dummyStage;
    return interactiveAuth.judge(guarded(request), body, [[stage]]);
  }
}

function guarded({ operation, target, caller }: OwnerRequest): Guarded {
  return { operation, user: caller.user, ...(target !== undefined && { target }) };
}
