import { createHmac } from 'node:crypto';
import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** The TURN servers and their credentials. */
export interface TurnSettings {
  readonly uris: readonly string[];
  readonly ttlMs: number;
  /** A secret from which short-lived passwords are derived, or one account for all users. */
  readonly login: { readonly secret: string } | { readonly username: string; readonly password: string };
}

/**
 * Returns the credentials of a client for the TURN servers (client-server API, "Voice over IP"). With a secret the
 * password is derived as in "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00), which requires
 * SHA-1.
 */
export function turnCredentials({ uris, ttlMs, login }: TurnSettings, userId: string, nowMs: number): JsonObject {
  const ttl = Math.floor(ttlMs / 1000);
  const server = { uris: [...uris], ttl };
  if (!('secret' in login)) return { ...login, ...server };
  const username = `${Math.floor(nowMs / 1000) + ttl}:${userId}`;
  const password = createHmac('sha1', login.secret).update(username).digest('base64');
  return { username, password, ...server };
}
