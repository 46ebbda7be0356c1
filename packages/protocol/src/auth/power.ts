import type { AuthEvent } from '../events/event.ts';
import { asObject, type JsonObject, type JsonValue, member } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { creatorOf, isPrivilegedCreator } from './creators.ts';
import type { StateLookup } from './state.ts';

/** An action whose level is a property of the power levels themselves. */
export type PowerAction = 'invite' | 'kick' | 'ban' | 'redact' | `notifications.${string}`;

const STRING_LEVEL = /^\s*[+-]?[0-9]+\s*$/;
const ACTION_DEFAULTS: Readonly<Record<string, number>> = { invite: 0, kick: 50, ban: 50, redact: 50 };
const NOTIFICATION_DEFAULT = 50;

/**
 * Returns a power level as a room version reads it: an integer, before version 10 also a string that contains an
 * integer, before version 6 also a truncated float (rooms/v1, "Deprecated event content schemas"). Returns undefined
 * for any other value.
 */
export function powerLevel(value: JsonValue | undefined, version: RoomVersion): number | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value;
    return !version.strictCanonicalJson && Number.isFinite(value) ? Math.trunc(value) : undefined;
  }
  if (typeof value !== 'string' || version.integerPowerLevels || !STRING_LEVEL.test(value)) return undefined;
  const level = Number(value);
  return Number.isSafeInteger(level) ? level : undefined;
}

/**
 * Returns a user's power level. `powerLevels` is the content of the room's power levels event, undefined when it has
 * none. Returns infinity for creators in version 12 and later.
 */
export function powerOf(
  userId: string,
  powerLevels: JsonObject | undefined,
  create: AuthEvent,
  version: RoomVersion,
): number {
  if (isPrivilegedCreator(userId, create, version)) return Number.POSITIVE_INFINITY;
  if (powerLevels === undefined) {
    return !version.creatorsPrivileged && creatorOf(create, version) === userId ? 100 : 0;
  }
  const own = powerLevel(member(asObject(powerLevels.users), userId), version);
  return own ?? powerLevel(powerLevels.users_default, version) ?? 0;
}

/** Returns the level needed to send an event of a type (server-server API, "Required Power Level"). */
export function requiredPower(
  type: string,
  isState: boolean,
  powerLevels: JsonObject | undefined,
  version: RoomVersion,
): number {
  const own = powerLevel(member(asObject(powerLevels?.events), type), version);
  if (own !== undefined) return own;
  return isState
    ? (powerLevel(powerLevels?.state_default, version) ?? 50)
    : (powerLevel(powerLevels?.events_default, version) ?? 0);
}

/**
 * Returns the level needed to invite, kick, ban, redact others' events, or notify (server-server API, "Definitions").
 */
export function powerNeeded(action: PowerAction, powerLevels: JsonObject | undefined, version: RoomVersion): number {
  if (action.startsWith('notifications.')) {
    const key = action.slice('notifications.'.length);
    return powerLevel(member(asObject(powerLevels?.notifications), key), version) ?? NOTIFICATION_DEFAULT;
  }
  return powerLevel(powerLevels?.[action], version) ?? ACTION_DEFAULTS[action] ?? 0;
}

/** Returns the content of the power levels event in a state. */
export function powerLevelsOf(state: StateLookup): JsonObject | undefined {
  return state('m.room.power_levels', '')?.content;
}
