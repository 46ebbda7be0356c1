import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** All states in the order of their stored numbers, from the least to the most active. */
export const PRESENCE_STATES = ['offline', 'unavailable', 'online'] as const;

export type PresenceState = (typeof PRESENCE_STATES)[number];

/** The presence of a user. */
export interface UserPresence {
  readonly state: PresenceState;
  readonly statusMsg: string | null;
  /** The time of the user's last activity; 0 without any. */
  readonly activeTs: number;
  /** Whether the user is active now, according to the last announcement. */
  readonly currentlyActive: boolean;
}

/** The presence of one device. */
export interface DevicePresence {
  readonly state: PresenceState;
  /** The time of the user's last activity on the device; 0 without any. */
  readonly activeTs: number;
  /** The time until which the device counts as connected without a further request. */
  readonly connectedUntil: number;
}

export const NEVER_SEEN: UserPresence = { state: 'offline', statusMsg: null, activeTs: 0, currentlyActive: false };

/** The maximum length of a status message. */
export const STATUS_BYTES_MAX = 1_024;
/** The time without activity after which an online device counts as idle. */
const IDLE_AFTER_MS = 5 * 60_000;
/** The time for which a user counts as currently active, so that not every request is announced. */
const ACTIVE_FOR_MS = 60_000;

/** Returns a user's presence: that of the most active device (client-server API, "Presence"). */
export function aggregate(devices: Iterable<DevicePresence>, before: UserPresence, now: number): UserPresence {
  let state: PresenceState = 'offline';
  let { activeTs } = before;
  let currentlyActive = false;
  for (const device of devices) {
    activeTs = Math.max(activeTs, device.activeTs);
    const present = stateOf(device, now);
    if (PRESENCE_STATES.indexOf(present) > PRESENCE_STATES.indexOf(state)) state = present;
    if (present === 'online' && now - device.activeTs <= ACTIVE_FOR_MS) currentlyActive = true;
  }
  return { state, statusMsg: before.statusMsg, activeTs, currentlyActive };
}

/** Returns the state of a device at a given time. */
function stateOf({ state, activeTs, connectedUntil }: DevicePresence, now: number): PresenceState {
  if (now > connectedUntil) return 'offline';
  return state === 'online' && now - activeTs > IDLE_AFTER_MS ? 'unavailable' : state;
}

/** Returns whether two presences differ for other users. */
export function differs(a: UserPresence, b: UserPresence): boolean {
  return a.state !== b.state || a.statusMsg !== b.statusMsg || a.currentlyActive !== b.currentlyActive;
}

/** Returns the content of an `m.presence` event, also the reply of `GET /presence/{userId}/status`. */
export function presenceContent(presence: UserPresence, now: number): JsonObject {
  return {
    presence: presence.state,
    ...(presence.activeTs > 0 && { last_active_ago: Math.max(0, now - presence.activeTs) }),
    ...(presence.state === 'online' && { currently_active: presence.currentlyActive }),
    ...(presence.statusMsg !== null && { status_msg: presence.statusMsg }),
  };
}
