import { invalidParam } from '@hearth/protocol/errors.ts';
import type { Bound, Write } from './database.ts';

/**
 * Whether every engine stores a text as it is. PostgreSQL has no U+0000, and half of a surrogate pair has no UTF-8: it
 * would come back as another text.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/**
 * Checks the values of a statement. All text goes through here, so that both engines refuse the same. JSON texts are
 * always storable, since `JSON.stringify` escapes both.
 * @throws MatrixError M_INVALID_PARAM
 */
export function checkStorable(values: readonly Bound[]): void {
  for (const value of values) {
    if (typeof value === 'string') check(value);
    else if (Array.isArray(value)) for (const item of value) if (typeof item === 'string') check(item);
  }
}

/** As {@link checkStorable}, for all writes of a transaction. */
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
