import { type PowerAction, powerNeeded, powerOf, requiredPower } from '@hearth/protocol/auth/power.ts';
import { NOT_LOADED } from '../storage/state/state-tree.ts';
import { type Head, toAuthEvent } from './head.ts';

/** The power levels of a room at one moment: they say who may do what. */
export interface Powers {
  /** A user's level. */
  of(userId: string): number;
  /** The level that sending a state event of a type takes. */
  toSetState(type: string): number;
  /** The level that an action takes. */
  to(action: PowerAction): number;
}

/** The powers in a room now. */
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

/** The result of {@link powersIn}, if it is in memory. */
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
