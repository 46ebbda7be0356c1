/**
 * The reason why an event of another server was not processed. `isFinal` is false if it may be processed later, for
 * instance because a server that has the events before it does not answer.
 */
export class NotReceived extends Error {
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.name = 'NotReceived';
    this.isFinal = isFinal;
  }
}
