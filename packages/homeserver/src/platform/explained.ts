/** Says in its message what the person who runs the server can do about it; shown without a stack. */
export class Explained extends Error {}
