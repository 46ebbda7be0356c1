/** The engine of the suite. A test file chooses it before it imports the suite. */
export const chosenEngine: { postgres: string | undefined } = { postgres: undefined };
