/**
 * Numbers for the rows of changes that store many rows. A number combines the position of the change with the index of
 * the row in the change, so that rows are ordered without a separate counter.
 */

/** The maximum number of rows of one change. */
export const ROWS_PER_CHANGE_MAX = 65_536;

/** Returns the number of a row of a change. `index` counts from 0. */
export function rowNumber(position: number, index: number): number {
  return position * ROWS_PER_CHANGE_MAX + index;
}

/** Returns the lowest possible number of a row after a position. */
export function firstRowAfter(position: number): number {
  return (position + 1) * ROWS_PER_CHANGE_MAX;
}

/** Returns the position of the change to which a row belongs. */
export function positionOfRow(num: number): number {
  return Math.floor(num / ROWS_PER_CHANGE_MAX);
}
