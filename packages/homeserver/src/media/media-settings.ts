/** The part of the configuration about media. */
export interface MediaSettings {
  /** The longest content that is taken. */
  readonly uploadBytesMax: number;
  /** How many ids a user may have that wait for their content. */
  readonly pendingMax: number;
  /** How long an id waits for its content. */
  readonly pendingMs: number;
  /** Whether everything can be read by the paths from before media wanted tokens; else only what was uploaded while it could. */
  readonly isOpen: boolean;
}
