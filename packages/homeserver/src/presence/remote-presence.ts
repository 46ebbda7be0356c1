import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import {
  asArray,
  asInteger,
  asObject,
  asString,
  type JsonObject,
  type JsonValue,
} from '@hearth/protocol/json/value.ts';
import type { Clock } from '../platform/clock.ts';
import { sanitiseText } from '../platform/sanitise-text.ts';
import type { SharedRooms } from '../rooms/membership/shared-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Presences } from './presence.ts';
import { PRESENCE_STATES, STATUS_BYTES_MAX, type UserPresence } from './user-presence.ts';

interface Parts {
  readonly presences: Presences;
  readonly sharedRooms: SharedRooms;
  readonly names: Names;
  readonly clock: Clock;
}

/** Users in one EDU. Further ones are ignored. */
const USERS_MAX = 500;
/** The time for which a presence is valid. Servers repeat the presence of users who are online within 30 minutes. */
const VALID_MS = 35 * 60_000;

/** The presence of users of other servers (server-server API, "Presence"). */
export class RemotePresence {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the same key for all contents, because a later presence replaces an earlier one. */
  keyOf(): string {
    return '';
  }

  /** Processes an EDU of type `m.presence`. Users who share no room with a user of this server are ignored. */
  async handle(origin: string, content: JsonObject): Promise<void> {
    const updates = asArray(content.push)?.slice(0, USERS_MAX) ?? [];
    for (const update of updates) await this.#receive(origin, update);
  }

  async #receive(origin: string, value: JsonValue): Promise<void> {
    const { presences, sharedRooms, names, clock } = this.#parts;
    const update = asObject(value);
    const userId = asString(update?.user_id);
    if (update === undefined || userId === undefined || domainOf(userId) !== origin) return;
    const now = clock.now();
    const presence = parsePresence(update, now);
    const user = presence && (await names.find(userId));
    if (presence === undefined || user === undefined || !(await sharedRooms.isShared(user))) return;
    await presences.receive(user, presence, now + VALID_MS);
  }
}

/** Returns a presence of an EDU; undefined if it is malformed. */
function parsePresence(update: JsonObject, now: number): UserPresence | undefined {
  const state = PRESENCE_STATES.find((one) => one === update.presence);
  if (state === undefined) return undefined;
  const statusMsg = sanitiseText(asString(update.status_msg) ?? '', STATUS_BYTES_MAX) || null;
  const agoMs = asInteger(update.last_active_ago);
  const activeTs = agoMs === undefined ? 0 : Math.min(Math.max(now - agoMs, 0), now);
  return { state, statusMsg, activeTs, currentlyActive: state === 'online' && update.currently_active === true };
}
