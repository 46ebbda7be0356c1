import type { AuthEvent } from '../events/event.ts';
import { domainOf } from '../identifiers/server-of.ts';

/** Applies the rules on `m.room.aliases` up to room version 5 (rooms/v1, rule 4). */
export function authoriseAliases(event: AuthEvent): string | undefined {
  if (event.stateKey === undefined) return 'm.room.aliases: it has no state_key';
  if (event.stateKey !== domainOf(event.sender)) return "m.room.aliases: the state_key is not the sender's domain";
  return undefined;
}
