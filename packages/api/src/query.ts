import * as v from 'valibot';

/** An integer in a query string, such as a `limit` or a `timeout`. */
export const integer = v.pipe(
  v.string(),
  v.regex(/^-?\d{1,15}$/, 'must be an integer'),
  v.transform((text) => Number(text)),
);

/** A non-negative integer in a query string. */
export const natural = v.pipe(
  v.string(),
  v.regex(/^\d{1,15}$/, 'must be an integer of at least 0'),
  v.transform((text) => Number(text)),
);

/** `true` or `false` in a query string. */
export const flag = v.pipe(
  v.picklist(['true', 'false'], 'must be true or false'),
  v.transform((text) => text === 'true'),
);

/** A parameter that may be repeated: always a list. */
export const list = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
);
