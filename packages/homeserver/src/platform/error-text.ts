/** Returns the message of a thrown value, for people. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
