declare const brand: unique symbol;

/** A string that passed the parser of its kind. Only parsers make one. */
export type Branded<Kind extends string> = string & { readonly [brand]: Kind };

/** The longest an identifier may be in bytes of UTF-8 (appendices, "Identifier Grammar"). */
export const IDENTIFIER_BYTES_MAX = 255;

/** Whether the text fits an identifier's limit. */
export function fitsIdentifier(text: string): boolean {
  // A UTF-16 unit is one to three bytes of UTF-8: count exactly only when that matters.
  if (text.length > IDENTIFIER_BYTES_MAX) return false;
  return text.length <= IDENTIFIER_BYTES_MAX / 3 || Buffer.byteLength(text) <= IDENTIFIER_BYTES_MAX;
}

/** Whether the text may be a localpart: any code points but `:` and NUL, no lone surrogates; may be empty. */
export function isLocalpart(text: string): boolean {
  return !text.includes(':') && !text.includes('\0') && text.isWellFormed();
}
