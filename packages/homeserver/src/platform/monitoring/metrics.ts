/** Labels of one measurement; the names are declared with the metric. Values come from small closed sets only. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** Where the program's own figures go. Names carry their unit last: `hearth_commit_seconds`. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram;
  /** A value that is read whenever somebody asks for the figures. */
  gauge(name: string, help: string, read: () => number): void;
}

/** Keeps nothing: for servers without a metrics listener, and tests. */
export const noMetrics: Metrics = {
  counter: () => ({ add: () => {} }),
  histogram: () => ({ observe: () => {} }),
  gauge: () => {},
};
