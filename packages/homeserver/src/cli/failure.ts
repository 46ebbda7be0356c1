/** Something that the person at the command line can put right; shown without a stack. */
export class Failure extends Error {}
