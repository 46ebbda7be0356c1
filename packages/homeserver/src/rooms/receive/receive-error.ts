/**
 * The reason why an event of another server was not processed. `isFinal` is false if it may be processed later, for
 * instance because a server that has the events before it does not answer.
 */
export class NotReceived extends Error {
  readonly isFinal: boolean;
  /** The id of an event without which the event cannot be processed. */
  readonly missing: string | undefined;

  constructor(message: string, isFinal: boolean, missing?: string) {
    super(message);
    this.name = 'NotReceived';
    this.isFinal = isFinal;
    this.missing = missing;
  }
}
