/** The labels of a measurement. Their names are declared with the metric, and their values come from small closed sets. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** The metrics of the program. Names end with their unit: `hearth_commit_seconds`. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram;
  /** Registers a value that is read at each request for metrics. */
  gauge(name: string, help: string, read: () => number): void;
}

/** Metrics that are discarded, for servers without a metrics listener and for tests. */
export const noMetrics: Metrics = {
  counter: () => ({ add: () => {} }),
  histogram: () => ({ observe: () => {} }),
  gauge: () => {},
};
