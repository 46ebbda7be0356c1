/** The configuration of media. */
export interface MediaSettings {
  /** The maximum length of an upload. */
  readonly uploadBytesMax: number;
  /** The maximum number of a user's media ids without content. */
  readonly pendingMax: number;
  /** The time for which a media id waits for its content. */
  readonly pendingMs: number;
  /**
   * Whether requests without a token can read all media. Otherwise they can read only media that were uploaded while
   * this was true.
   */
  readonly isOpen: boolean;
}
