export type Outcome = 'ok' | 'warning' | 'failed' | 'skipped';

/** The result of one check, for operators. */
export interface Finding {
  readonly outcome: Outcome;
  /** The examined thing, such as `certificate`. */
  readonly subject: string;
  readonly text: string;
  /** A sentence that says what to change. */
  readonly advice?: string;
}
