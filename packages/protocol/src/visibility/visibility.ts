/** The values of `history_visibility` (client-server API, "Room History Visibility"). */
export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined';

/** What decides whether a user may read an event. */
export interface VisibilityQuestion {
  /** The visibility in the state before the event. */
  readonly visibility: HistoryVisibility;
  /** For an `m.room.history_visibility` event: the visibility that it sets. */
  readonly visibilityAfter?: HistoryVisibility | undefined;
  /** The user's membership in the state before the event; undefined for one who was never in the room. */
  readonly membership: string | undefined;
  /** For the user's own `m.room.member` event: the membership that it sets. */
  readonly membershipAfter?: string | undefined;
  /** Whether the user joined the room at any point after the event. */
  readonly joinedLater: boolean;
}

/** A visibility from the content of an `m.room.history_visibility` event; `shared` when missing or not understood. */
export function historyVisibility(value: unknown): HistoryVisibility {
  return value === 'world_readable' || value === 'invited' || value === 'joined' ? value : 'shared';
}

/**
 * Whether a user may read an event (client-server API, "Room History Visibility", "Server behaviour"). Of the values
 * before and after the event, the most permissive counts. Redactions, ignored users and erased senders are other questions.
 */
export function mayRead(question: VisibilityQuestion): boolean {
  const { visibility, visibilityAfter, membership, membershipAfter, joinedLater } = question;
  if (isReadable(visibility, membership, membershipAfter, joinedLater)) return true;
  return visibilityAfter !== undefined && isReadable(visibilityAfter, membership, membershipAfter, joinedLater);
}

/** Whether somebody who never was in the room, guests included, may read an event of this visibility. */
export function mayPeek(visibility: HistoryVisibility): boolean {
  return visibility === 'world_readable';
}

/**
 * Whether a server that is in the room may be sent an event: if any of its users could read it now or after joining.
 * `memberships` are those of its users in the state before the event, and for a membership event also after it.
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
