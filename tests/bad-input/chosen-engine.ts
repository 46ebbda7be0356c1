/** The engine of the suite. A test file chooses it before it imports the suite. */
export const chosen: { postgres: string | undefined } = { postgres: undefined };
