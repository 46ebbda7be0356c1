import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** In the order in which they are stored as numbers, and from the least to the most present. */
export const PRESENCE_STATES = ['offline', 'unavailable', 'online'] as const;

export type PresenceState = (typeof PRESENCE_STATES)[number];

/** The presence of one user. */
export interface UserPresence {
  readonly state: PresenceState;
  readonly statusMsg: string | null;
  /** When the user last did something; 0 when never. */
  readonly activeTs: number;
  /** Whether the user is doing something right now, as far as others were told. */
  readonly currentlyActive: boolean;
}

/** The last presence that one device of a user has set. */
export interface DevicePresence {
  readonly state: PresenceState;
  /** When the user last did something with it; 0 when never. */
  readonly activeTs: number;
  /** Until when the device counts as connected without a further sign of life. */
  readonly connectedUntil: number;
}

export const NEVER_SEEN: UserPresence = { state: 'offline', statusMsg: null, activeTs: 0, currentlyActive: false };

/** After this long without activity a device that is online counts as idle. */
const IDLE_AFTER_MS = 5 * 60_000;
/** "Currently active" holds for this long, so that it need not be told with each request. */
const ACTIVE_FOR_MS = 60_000;

/** Returns a user's presence: that of the device on which they are most present (client-server API, "Presence"). */
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

/** The state of one device as time goes by. */
function stateOf({ state, activeTs, connectedUntil }: DevicePresence, now: number): PresenceState {
  if (now > connectedUntil) return 'offline';
  return state === 'online' && now - activeTs > IDLE_AFTER_MS ? 'unavailable' : state;
}

/** Whether others would see a difference. */
export function differs(a: UserPresence, b: UserPresence): boolean {
  return a.state !== b.state || a.statusMsg !== b.statusMsg || a.currentlyActive !== b.currentlyActive;
}

/** The content of an `m.presence` event, also the reply of `GET /presence/{userId}/status`. */
export function presenceContent(presence: UserPresence, now: number): JsonObject {
  return {
    presence: presence.state,
    ...(presence.activeTs > 0 && { last_active_ago: Math.max(0, now - presence.activeTs) }),
    ...(presence.state === 'online' && { currently_active: presence.currentlyActive }),
    ...(presence.statusMsg !== null && { status_msg: presence.statusMsg }),
  };
}
