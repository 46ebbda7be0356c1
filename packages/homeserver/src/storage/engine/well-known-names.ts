/** Strings that the server itself uses. They have numbers from the first start on. */
export const WELL_KNOWN_NAMES = [
  '',
  'm.annotation',
  'm.reference',
  'm.replace',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.create',
  'm.room.encryption',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
  'm.room.member',
  'm.room.name',
  'm.room.retention',
  'm.room.topic',
  'm.space.child',
  'm.thread',
] as const;

export type WellKnownName = (typeof WELL_KNOWN_NAMES)[number];
