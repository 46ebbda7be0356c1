import type { AuthEvent } from '../events/event.ts';
import { domainOf } from '../identifiers/server-of.ts';
import { powerLevelsOf, powerNeeded, powerOf } from './power.ts';
import type { AuthCase } from './state.ts';

/** Applies the rules on `m.room.redaction` in room versions 1 and 2 (rooms/v1, rule 11). */
export function authoriseRedaction(authCase: AuthCase): string | undefined {
  const { event } = authCase;
  if (hasRedactPower(authCase)) return undefined;
  const target = event.redacts === undefined ? undefined : domainOf(event.redacts);
  if (target !== undefined && target === domainOf(event.eventId)) return undefined;
  return 'm.room.redaction: the sender may not redact events of another server';
}

/**
 * Returns whether a redaction takes effect on the event that it names, from room version 3 on: the sender has the
 * power, or both senders are users of the same server (rooms/v3, "Handling redactions"). In versions 1 and 2
 * authorisation decides this.
 */
export function redactionApplies(authCase: AuthCase, target: AuthEvent): boolean {
  const { event, version } = authCase;
  if (event.redacts !== target.eventId || event.roomId !== target.roomId) return false;
  if (version.redactionAuth || hasRedactPower(authCase)) return true;
  return domainOf(event.sender) === domainOf(target.sender);
}

function hasRedactPower({ event, state, create, version }: AuthCase): boolean {
  const levels = powerLevelsOf(state);
  return powerOf(event.sender, levels, create, version) >= powerNeeded('redact', levels, version);
}
