import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** In the order in which they are stored as numbers. */
export const PRESENCE_STATES = ['offline', 'unavailable', 'online'] as const;

export type PresenceState = (typeof PRESENCE_STATES)[number];

/** What is known of one user. */
export interface UserPresence {
  readonly state: PresenceState;
  readonly statusMsg: string | null;
  /** When the user last did something; 0 when never. */
  readonly activeTs: number;
  /** Whether the user is doing something right now, as far as others were told. */
  readonly currentlyActive: boolean;
  /** Until when the user counts as connected without a further sign of life. */
  readonly connectedUntil: number;
}

export const NEVER_SEEN: UserPresence = {
  state: 'offline',
  statusMsg: null,
  activeTs: 0,
  currentlyActive: false,
  connectedUntil: 0,
};

/** After this long without activity a user who is online counts as idle. */
const IDLE_AFTER_MS = 5 * 60_000;
/** "Currently active" holds for this long, so that it need not be told with each request. */
const ACTIVE_FOR_MS = 60_000;

/** What becomes of a user's presence as time goes by. */
export function aged(presence: UserPresence, now: number): UserPresence {
  const { state, activeTs, connectedUntil } = presence;
  if (state === 'offline') return presence.currentlyActive ? { ...presence, currentlyActive: false } : presence;
  if (now > connectedUntil) return { ...presence, state: 'offline', currentlyActive: false };
  if (state === 'online' && now - activeTs > IDLE_AFTER_MS) {
    return { ...presence, state: 'unavailable', currentlyActive: false };
  }
  if (presence.currentlyActive && now - activeTs > ACTIVE_FOR_MS) return { ...presence, currentlyActive: false };
  return presence;
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
