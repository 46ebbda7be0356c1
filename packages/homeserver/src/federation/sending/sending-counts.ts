import type { Counter, Metrics } from '../../platform/monitoring/metrics.ts';

/** The counts of PDUs and EDUs to other servers, by outcome. */
export interface SendingCounts {
  /**
   * `accepted` by the server or `rejected` by it; `skipped`, because the server has refused a transaction with nothing
   * else; `dropped`, because the event cannot be rendered or the configuration does not permit the server.
   */
  readonly pdus: Counter;
  /** As for PDUs; `dropped` also if there were too many, or the server did not answer. */
  readonly edus: Counter;
}

export function sendingCounts(metrics: Metrics): SendingCounts {
  return {
    pdus: metrics.counter('hearth_federation_sent_pdus_total', 'PDUs sent to other servers', ['outcome']),
    edus: metrics.counter('hearth_federation_sent_edus_total', 'EDUs sent to other servers', ['outcome']),
  };
}
