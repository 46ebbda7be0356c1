import { parseUserId } from '../identifiers/user-id.ts';
import { asObject, isObject, type JsonObject, member } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { privilegedCreators } from './creators.ts';
import { powerLevel, powerOf } from './power.ts';
import type { AuthCase } from './state.ts';

const LEVELS = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'];

/** Applies the rules on `m.room.power_levels` (rooms/v1, v6, v10 and v12, rules 9 or 10). */
export function authorisePowerLevels({ event, state, create, version }: AuthCase): string | undefined {
  const content = event.content;
  const current = state('m.room.power_levels', '')?.content;
  const malformed = checkUsers(content, version) ?? checkLevels(content, current, version);
  if (malformed !== undefined) return malformed;
  for (const creator of privilegedCreators(create, version)) {
    if (member(asObject(content.users), creator) !== undefined) return 'm.room.power_levels: users names a creator';
  }
  if (current === undefined) return undefined;
  return checkChanges(current, content, event.sender, powerOf(event.sender, current, create, version), version);
}

/** Checks that `users`, if present, maps user ids to levels. */
function checkUsers(content: JsonObject, version: RoomVersion): string | undefined {
  if (content.users === undefined) return undefined;
  if (!isObject(content.users)) return 'm.room.power_levels: users is not an object';
  for (const [userId, level] of Object.entries(content.users)) {
    if (parseUserId(userId) === undefined) return 'm.room.power_levels: users has a key that is no user id';
    if (powerLevel(level, version) === undefined) return `m.room.power_levels: ${userId} has no valid power level`;
  }
  return undefined;
}

/**
 * Checks that all other values that should be power levels are power levels. Before version 10 no rule demands this,
 * but a change to or from another value cannot be compared and is rejected.
 */
function checkLevels(content: JsonObject, current: JsonObject | undefined, version: RoomVersion): string | undefined {
  if (!version.integerPowerLevels && current === undefined) return undefined;
  for (const name of LEVELS) {
    if (content[name] !== undefined && powerLevel(content[name], version) === undefined) {
      return `m.room.power_levels: ${name} is not a power level`;
    }
  }
  for (const name of mapNames(version)) {
    const map = content[name];
    if (map === undefined) continue;
    if (!isObject(map)) return `m.room.power_levels: ${name} is not an object`;
    if (Object.values(map).some((level) => powerLevel(level, version) === undefined)) {
      return `m.room.power_levels: ${name} contains a value that is not a power level`;
    }
  }
  return undefined;
}

function mapNames(version: RoomVersion): string[] {
  return version.notificationsPowerAuth ? ['events', 'notifications', 'users'] : ['events', 'users'];
}

function checkChanges(
  current: JsonObject,
  next: JsonObject,
  sender: string,
  power: number,
  version: RoomVersion,
): string | undefined {
  for (const name of LEVELS) {
    const refusal = checkChange(name, current[name], next[name], power, version);
    if (refusal !== undefined) return refusal;
  }
  for (const name of mapNames(version)) {
    const before = asObject(current[name]) ?? {};
    const after = asObject(next[name]) ?? {};
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const old = member(before, key);
      const refusal = checkChange(`${name} of ${key}`, old, member(after, key), power, version);
      if (refusal !== undefined) return refusal;
      if (name !== 'users' || key === sender) continue;
      const isChanged = powerLevel(old, version) !== powerLevel(member(after, key), version);
      if (isChanged && powerLevel(old, version) === power) return `m.room.power_levels: ${key} has as much power`;
    }
  }
  return undefined;
}

/** Checks that neither the old nor the new value of an altered level exceeds the sender's power. */
function checkChange(
  name: string,
  old: JsonObject[string],
  next: JsonObject[string],
  power: number,
  version: RoomVersion,
): string | undefined {
  const from = powerLevel(old, version);
  const to = powerLevel(next, version);
  if (from === to) return undefined;
  if (from !== undefined && from > power) return `m.room.power_levels: ${name} is above the sender's power`;
  if (to !== undefined && to > power) return `m.room.power_levels: ${name} would be above the sender's power`;
  return undefined;
}
