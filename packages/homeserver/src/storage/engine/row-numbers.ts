/**
 * Numbers for rows of which one change makes many: the change's place in the stream and the row's place in the change,
 * so that rows are numbered in order without a counter of their own.
 */

/** How many rows one change may make. */
export const ROWS_PER_CHANGE_MAX = 65_536;

/** The number of a change's row; `index` counts from 0. */
export function rowNumber(position: number, index: number): number {
  return position * ROWS_PER_CHANGE_MAX + index;
}

/** The lowest number of a row that was made after a position. */
export function firstRowAfter(position: number): number {
  return (position + 1) * ROWS_PER_CHANGE_MAX;
}

/** The position of the change that made a row. */
export function positionOfRow(num: number): number {
  return Math.floor(num / ROWS_PER_CHANGE_MAX);
}
