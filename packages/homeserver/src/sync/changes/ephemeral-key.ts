import type { Change } from '../../storage/engine/stream.ts';

/** A change of data that are not part of a room's history, which are rendered with their current value. */
export type EphemeralChange = Extract<Change, { kind: 'typing' | 'receipt' | 'presence' }>;

/** Returns a text that changes of the same ephemeral data have in common; undefined for other changes. */
export function ephemeralKey(change: Change): string | undefined {
  switch (change.kind) {
    case 'typing':
      return `typing ${change.room}`;
    case 'receipt':
      return `receipt ${change.room} ${change.user}`;
    case 'presence':
      return `presence ${change.user}`;
    default:
      return undefined;
  }
}
