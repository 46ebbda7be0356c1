import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { Accounts } from '../accounts.ts';
import { dummyStage, passwordStage } from './auth-stages.ts';
import type { AuthVerdict, Guarded, GuardedBody, InteractiveAuth } from './interactive-auth.ts';
import type { PasswordCheck } from './password-check.ts';

/** A request that needs a proof that the caller owns the account. */
export interface OwnerRequest {
  readonly operation: string;
  /** The parameter of the path, if there is one. */
  readonly target?: string;
  readonly caller: { readonly user: number; readonly userId: string; readonly applicationService?: string };
  /** The address of the request. */
  readonly from: string;
}

interface OwnerCheckParts {
  readonly accounts: Accounts;
  readonly passwordCheck: PasswordCheck;
  readonly interactiveAuth: InteractiveAuth;
  readonly server: ServerName;
}

/**
 * The operations for which application services need no further proof (application service API, "Device management",
 * "Cross-signing").
 */
const OF_SERVICES: ReadonlySet<string> = new Set(['deleteDevice', 'deleteDevices', 'uploadCrossSigningKeys']);
const PASSED: AuthVerdict = { passed: true, results: new Map(), restore: () => undefined };

/** Requires a proof beyond the access token that the caller owns the account. */
export class OwnerCheck {
  readonly #parts: OwnerCheckParts;

  constructor(parts: OwnerCheckParts) {
    this.#parts = parts;
  }

  /** Returns the body, with the parameters of an earlier request of its session if it contains only `auth`. */
  recall<B extends GuardedBody>(request: OwnerRequest, body: B): B {
    return this.#parts.interactiveAuth.recall(guarded(request), body);
  }

  /** Requires the password, or only a confirmation for an account without a password. @throws MatrixError */
  async judge(request: OwnerRequest, body: GuardedBody): Promise<AuthVerdict> {
    const { caller, from, operation } = request;
    if (caller.applicationService !== undefined && OF_SERVICES.has(operation)) return PASSED;
    const { accounts, passwordCheck, interactiveAuth, server } = this.#parts;
    const account = await accounts.find(caller.userId);
    const stage = account?.hasPassword ? passwordStage(passwordCheck, server, caller.userId, from) : dummyStage;
    return interactiveAuth.judge(guarded(request), body, [[stage]]);
  }
}

function guarded({ operation, target, caller }: OwnerRequest): Guarded {
  return { operation, user: caller.user, ...(target !== undefined && { target }) };
}
