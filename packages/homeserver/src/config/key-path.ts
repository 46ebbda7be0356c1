/** A key's place in a file: names and list positions from the top. */
export type KeyPath = readonly (string | number)[];
