import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { Reply } from '../../http/route.ts';

/** Returns the reply that asks for user-interactive authentication. */
export function challengeReply(challenge: JsonObject): Reply {
  return new Reply(401, challenge);
}
