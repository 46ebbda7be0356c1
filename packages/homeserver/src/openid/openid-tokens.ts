import { forbidden } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { type Random, randomText } from '../platform/random.ts';
import {
  deleteOldOpenIdTokens,
  deleteOpenIdTokens,
  insertOpenIdToken,
  readOpenIdToken,
} from '../storage/accounts/openid-tokens.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import { tokenHash } from '../users/sessions/token-hash.ts';

interface Parts {
  readonly database: Database;
  readonly names: Names;
  readonly clock: Clock;
  readonly random: Random;
}

const VALID_MS = 60 * 60_000;

/** Tokens with which users prove their identity to other services (client-server API, "OpenID"). Stored as hashes. */
export class OpenIdTokens {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Creates a token. @throws MatrixError M_FORBIDDEN for another user */
  async issue(
    caller: { readonly user: number; readonly userId: string },
    userId: string,
  ): Promise<{ token: string; expiresInMs: number }> {
    if (caller.userId !== userId) throw forbidden('You can only request a token for your own user id');
    const { database, clock, random } = this.#parts;
    const token = `hearth_oi_${randomText(random, 32)}`;
    const now = clock.now();
    await database.commit([
      deleteOldOpenIdTokens(now),
      insertOpenIdToken(tokenHash(token), caller.user, now + VALID_MS),
    ]);
    return { token, expiresInMs: VALID_MS };
  }

  /** Returns the owner of a token; `undefined` for an unknown or expired token. */
  async owner(token: string): Promise<string | undefined> {
    const { database, names, clock } = this.#parts;
    const user = await readOpenIdToken(database, tokenHash(token), clock.now());
    return user === undefined ? undefined : names.text(user);
  }

  /** Deletes the tokens of a deactivated account. */
  async forget(user: number): Promise<void> {
    await this.#parts.database.commit([deleteOpenIdTokens(user)]);
  }
}
