import { invalidParam } from '@hearth/protocol/errors.ts';
import type { Bound, Write } from './database.ts';

/**
 * Returns whether both engines store a text unchanged. PostgreSQL cannot store U+0000, and a lone surrogate has no
 * UTF-8 encoding.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/**
 * Checks the values of a statement. All text passes this check, so that both engines refuse the same text. JSON text is
 * always storable, because `JSON.stringify` escapes both kinds of characters.
 * @throws MatrixError M_INVALID_PARAM
 */
export function checkStorable(values: readonly Bound[]): void {
  for (const value of values) {
    if (typeof value === 'string') check(value);
    else if (Array.isArray(value)) for (const item of value) if (typeof item === 'string') check(item);
  }
}

/** Checks all writes of a transaction as {@link checkStorable}. */
export function checkWrites(writes: readonly Write[]): void {
  for (const { values, columns } of writes) {
    checkStorable(values);
    if (columns !== undefined) checkStorable(columns);
  }
}

function check(text: string): void {
  if (isStorable(text)) return;
  throw invalidParam('A string contains U+0000 or a lone surrogate, which cannot be stored');
}
