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
  if (create === undefined) throw new Error('a room without a create event');
  const levels = powerLevels?.content;
  const { version } = head;
  return {
    of: (userId) => powerOf(userId, levels, toAuthEvent(create), version),
    toSetState: (type) => requiredPower(type, true, levels, version),
    to: (action) => powerNeeded(action, levels, version),
  };
}
