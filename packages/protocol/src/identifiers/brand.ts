declare const brand: unique symbol;

/** A string that was checked by the parser of its kind. Only parsers create one. */
export type Branded<Kind extends string> = string & { readonly [brand]: Kind };

/** The maximum length of an identifier in bytes of UTF-8 (appendices, "Identifier Grammar"). */
export const IDENTIFIER_BYTES_MAX = 255;

/** Returns whether a text is short enough for an identifier. */
export function fitsIdentifier(text: string): boolean {
  // A UTF-16 unit takes one to three bytes in UTF-8, so the bytes are counted only for long texts.
  if (text.length > IDENTIFIER_BYTES_MAX) return false;
  return text.length <= IDENTIFIER_BYTES_MAX / 3 || Buffer.byteLength(text) <= IDENTIFIER_BYTES_MAX;
}

/**
 * Returns whether the text may be a localpart: any code points except `:` and NUL, without lone surrogates. It may be
 * empty.
 */
export function isLocalpart(text: string): boolean {
  return !text.includes(':') && !text.includes('\0') && text.isWellFormed();
}
