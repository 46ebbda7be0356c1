import { type PowerAction, powerNeeded, powerOf, requiredPower } from '@hearth/protocol/auth/power.ts';
import { NOT_LOADED } from '../platform/lookups/source.ts';
import { type Head, toAuthEvent } from './head.ts';

/** The power levels of a room at one moment. */
export interface Powers {
  /** Returns the level of a user. */
  of(userId: string): number;
  /** Returns the level that is necessary to send a state event of a type. */
  toSetState(type: string): number;
  /** Returns the level that is necessary for an action. */
  to(action: PowerAction): number;
}

/** The powers in a room whose state is not known: nobody may do anything. */
const NO_POWERS: Powers = {
  of: () => 0,
  toSetState: () => Number.POSITIVE_INFINITY,
  to: () => Number.POSITIVE_INFINITY,
};

/** Returns the current power levels of a room. */
export async function powersIn(head: Head): Promise<Powers> {
  for (;;) {
    const powers = knownPowers(head);
    if (powers !== undefined) return powers;
    await head.ensure([
      ['m.room.create', ''],
      ['m.room.power_levels', ''],
    ]);
  }
}

/** Returns the result of {@link powersIn}, if it is cached. */
export function knownPowers(head: Head): Powers | undefined {
  const create = head.peek('m.room.create', '');
  const powerLevels = head.peek('m.room.power_levels', '');
  if (create === NOT_LOADED || powerLevels === NOT_LOADED) return undefined;
  // The state of a room is not known before a user of this server has joined it.
  if (create === undefined) return NO_POWERS;
  const levels = powerLevels?.content;
  const { version } = head;
  return {
    of: (userId) => powerOf(userId, levels, toAuthEvent(create), version),
    toSetState: (type) => requiredPower(type, true, levels, version),
    to: (action) => powerNeeded(action, levels, version),
  };
}
