import { privilegedCreators } from '@hearth/protocol/auth/creators.ts';
import { powerLevel } from '@hearth/protocol/auth/power.ts';
import { asObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { EventDraft } from '../events/draft.ts';
import { toAuthEvent } from '../head.ts';

/** The types of state that are copied to the new room (client-server API, "Room upgrades", "Server behaviour"). */
const CARRIED_TYPES: ReadonlySet<string> = new Set([
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
  // The aliases move to the new room, so the event that names them is copied too.
  'm.room.canonical_alias',
]);

/** The types of state that an upgrade reads in the old room. */
export const READ_TYPES: ReadonlySet<string> = new Set([
  ...CARRIED_TYPES,
  'm.room.create',
  'm.room.member',
  'm.room.power_levels',
  'm.space.child',
]);

const ADMIN_POWER = 100;
const LEVELS = ['ban', 'events_default', 'invite', 'kick', 'redact', 'state_default', 'users_default'] as const;
const LEVELS_BY_KEY = ['events', 'notifications', 'users'] as const;

/** The replacement of a room by a room of another version. */
export interface Replacement {
  /** The state of the old room, of `READ_TYPES`. */
  readonly state: readonly StoredEvent[];
  readonly old: RoomVersion;
  readonly next: RoomVersion;
  /** The user who upgrades the room, and who creates the new one. */
  readonly creator: string;
  readonly additionalCreators: readonly string[];
}

/** Returns what follows the create event and the creator's join in the new room, in order. */
export function carriedState(replacement: Replacement): EventDraft[] {
  const { state, creator } = replacement;
  const draft = (type: string, stateKey: string, content: JsonObject) => ({ type, stateKey, sender: creator, content });
  const carried = state.flatMap(({ type, stateKey = '', content }) =>
    isCarried(type, stateKey, content) ? [draft(type, stateKey, content)] : [],
  );
  const old = state.find(({ type, stateKey }) => type === 'm.room.power_levels' && stateKey === '');
  const levels = old === undefined ? undefined : carriedLevels(replacement, old.content);
  if (levels === undefined) return carried;
  const sufficient = sufficientLevels(levels, replacement);
  return [
    draft('m.room.power_levels', '', sufficient ?? levels),
    ...carried,
    ...(sufficient === undefined ? [] : [draft('m.room.power_levels', '', levels)]),
  ];
}

function isCarried(type: string, stateKey: string, content: JsonObject): boolean {
  if (type === 'm.room.member') return content.membership === 'ban';
  if (type === 'm.space.child') return Object.keys(content).length > 0;
  return stateKey === '' && CARRIED_TYPES.has(type);
}

/**
 * Returns the power levels of the old room in the form of the new version: numbers where it takes no strings, and
 * without its creators where their power is infinite. In the other direction creators are listed, and what only they
 * could do is for the highest level that others can have.
 */
function carriedLevels(replacement: Replacement, content: JsonObject): JsonObject {
  const { old, next, creator, additionalCreators } = replacement;
  const levels = next.integerPowerLevels && !old.integerPowerLevels ? withNumbers(content, old) : content;
  const users = asObject(levels.users) ?? {};
  if (next.creatorsPrivileged) {
    const creators = new Set([creator, ...additionalCreators]);
    return { ...levels, users: Object.fromEntries(Object.entries(users).filter(([userId]) => !creators.has(userId))) };
  }
  if (!old.creatorsPrivileged) return levels;
  const listed = Object.fromEntries([...creatorsOf(replacement)].map((userId) => [userId, ADMIN_POWER]));
  const events = Object.entries(asObject(levels.events) ?? {}).map(([type, level]) => [
    type,
    typeof level === 'number' ? Math.min(level, ADMIN_POWER) : level,
  ]);
  return { ...levels, events: Object.fromEntries(events) as JsonObject, users: { ...users, ...listed } };
}

function creatorsOf({ state, old, creator }: Replacement): Set<string> {
  const create = state.find(({ type, stateKey }) => type === 'm.room.create' && stateKey === '');
  return new Set([creator, ...(create === undefined ? [] : privilegedCreators(toAuthEvent(create), old))]);
}

/** Returns power levels with every level as a number (rooms/v10, "Values in m.room.power_levels events must be integers"). */
function withNumbers(content: JsonObject, version: RoomVersion): JsonObject {
  const number = (value: JsonValue | undefined) => powerLevel(value, version);
  const changed: JsonObject = { ...content };
  for (const key of LEVELS) if (Object.hasOwn(content, key)) changed[key] = number(content[key]);
  for (const key of LEVELS_BY_KEY) {
    const object = asObject(content[key]);
    if (object === undefined) continue;
    changed[key] = Object.fromEntries(
      Object.entries(object).flatMap(([name, value]) => {
        const level = number(value);
        return level === undefined ? [] : [[name, level]];
      }),
    );
  }
  return changed;
}

/**
 * Returns power levels with which the creator may set all that is carried over, if the carried ones do not suffice: a
 * moderator may upgrade a room too. They hold until the rest of the state is set.
 */
function sufficientLevels(levels: JsonObject, { creator, next }: Replacement): JsonObject | undefined {
  if (next.creatorsPrivileged) return undefined;
  const number = (value: JsonValue | undefined, otherwise: number) => powerLevel(value, next) ?? otherwise;
  const users = asObject(levels.users) ?? {};
  const own = number(users[creator], number(levels.users_default, 0));
  const needed = Math.max(
    number(levels.state_default, 50),
    number(levels.ban, 50),
    ...Object.values(asObject(levels.events) ?? {}).map((level) => number(level, 0)),
    ...Object.values(users).map((level) => number(level, 0)),
  );
  return own >= needed ? undefined : { ...levels, users: { ...users, [creator]: needed } };
}
