import { type PowerAction, powerNeeded, powerOf, requiredPower } from '@hearth/protocol/auth/power.ts';
import { type Head, toAuthEvent } from './head.ts';

/** Who may do what in a room, as its power levels are at one moment. */
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
  await head.ensure([
    ['m.room.create', ''],
    ['m.room.power_levels', ''],
  ]);
  const create = head.known('m.room.create', '');
  if (create === undefined) throw new Error('a room without a create event');
  const levels = head.known('m.room.power_levels', '')?.content;
  const { version } = head;
  return {
    of: (userId) => powerOf(userId, levels, toAuthEvent(create), version),
    toSetState: (type) => requiredPower(type, true, levels, version),
    to: (action) => powerNeeded(action, levels, version),
  };
}
