/** A user of this server who acts in rooms. */
export interface Actor {
  readonly userId: string;
  /** The number of the user id, see `storage/engine/names.ts`. */
  readonly user: number;
  readonly isGuest: boolean;
}
