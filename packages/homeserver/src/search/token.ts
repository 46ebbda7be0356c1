import { invalidParam } from '@hearth/protocol/errors.ts';

/** A group of results: one room or one sender. */
export interface Group {
  readonly key: 'room_id' | 'sender';
  /** The number of the room or user. */
  readonly num: number;
}

/**
 * The position of a search: the number of earlier results, the event before which it continues, and the group if any.
 */
export interface SearchToken {
  readonly given: number;
  readonly before: number;
  readonly group?: Group | undefined;
}

const LETTERS = { room_id: 'r', sender: 's' } as const;

export function searchToken({ given, before, group }: SearchToken): string {
  return `q${given}_${before}${group === undefined ? '' : `_${LETTERS[group.key]}${group.num}`}`;
}

/** @throws MatrixError M_INVALID_PARAM */
export function parseSearchToken(text: string): SearchToken {
  const match = /^q(\d{1,15})_(\d{1,16})(?:_([rs])(\d{1,15}))?$/.exec(text);
  if (match === null) throw invalidParam("'next_batch' is not a pagination token of a search");
  const [, given, before, letter, num] = match;
  const token = { given: Number(given), before: Number(before) };
  return letter === undefined
    ? token
    : { ...token, group: { key: letter === 'r' ? 'room_id' : 'sender', num: Number(num) } };
}
