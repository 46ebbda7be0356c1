/** The values of `history_visibility` (client-server API, "Room History Visibility"). */
export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined';

/** The facts that decide whether a user may read an event. */
export interface VisibilityQuestion {
  /** The visibility in the state before the event. */
  readonly visibility: HistoryVisibility;
  /** For an `m.room.history_visibility` event: the visibility that it sets. */
  readonly visibilityAfter?: HistoryVisibility | undefined;
  /** The user's membership in the state before the event; undefined if the user was never in the room. */
  readonly membership: string | undefined;
  /** For the user's own `m.room.member` event: the membership that it sets. */
  readonly membershipAfter?: string | undefined;
  /** Whether the user joined the room at any point after the event. */
  readonly joinedLater: boolean;
}

/** Returns the visibility that an `m.room.history_visibility` event sets; `shared` when it is missing or unknown. */
export function historyVisibility(value: unknown): HistoryVisibility {
  return value === 'world_readable' || value === 'invited' || value === 'joined' ? value : 'shared';
}

/**
 * Returns whether a user may read an event (client-server API, "Room History Visibility", "Server behaviour"). The most
 * permissive of the values before and after the event counts. Redactions, ignored users and erased senders are decided
 * elsewhere.
 */
export function mayRead(question: VisibilityQuestion): boolean {
  const { visibility, visibilityAfter, membership, membershipAfter, joinedLater } = question;
  if (isReadable(visibility, membership, membershipAfter, joinedLater)) return true;
  return visibilityAfter !== undefined && isReadable(visibilityAfter, membership, membershipAfter, joinedLater);
}

/** Returns whether a user who was never in the room (guests included) may read an event with this visibility. */
export function mayPeek(visibility: HistoryVisibility): boolean {
  return visibility === 'world_readable';
}

/**
 * Returns whether an event may be sent to a server in the room. It may if any user of that server could read it now or
 * after joining. `memberships` are the memberships of its users in the state before the event, and for a membership
 * event also after it.
 */
export function serverMayRead(visibility: HistoryVisibility, memberships: Iterable<string>): boolean {
  if (visibility === 'world_readable' || visibility === 'shared') return true;
  for (const membership of memberships) {
    if (membership === 'join' || (membership === 'invite' && visibility === 'invited')) return true;
  }
  return false;
}

function isReadable(
  visibility: HistoryVisibility,
  before: string | undefined,
  after: string | undefined,
  joinedLater: boolean,
): boolean {
  if (visibility === 'world_readable') return true;
  if (before === 'join' || after === 'join') return true;
  if (visibility === 'shared') return joinedLater;
  return visibility === 'invited' && (before === 'invite' || after === 'invite');
}
