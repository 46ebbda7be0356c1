import { badStatus, connectionFailed, connectionTimeout, forbidden, urlNotSet } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { isSuccess, OutboundError, TookTooLong } from '../platform/outbound/reply.ts';
import type { ApplicationServices } from './application-services.ts';
import type { ApplicationServiceClient } from './client.ts';

const TIMEOUT_MS = 10_000;
const BODY_CHARACTERS_MAX = 1_000;

/** Tests the connection to application services on their request (application service API, "Pinging"). */
export class ServicePings {
  readonly #services: ApplicationServices;
  readonly #client: ApplicationServiceClient;
  readonly #clock: Clock;

  constructor(services: ApplicationServices, client: ApplicationServiceClient, clock: Clock) {
    this.#services = services;
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Sends a request to an application service. Returns the time until its answer, in milliseconds.
   * @param by the id of the application service that asks, if one does
   * @throws MatrixError M_FORBIDDEN, M_URL_NOT_SET, M_CONNECTION_FAILED, M_CONNECTION_TIMEOUT, M_BAD_STATUS
   */
  async ping(id: string, by: string | undefined, transactionId: string | undefined): Promise<number> {
    const service = this.#services.byId(id);
    if (service === undefined || by !== id) throw forbidden('An application service can only ask for pings of itself');
    if (service.url === undefined) throw urlNotSet();
    const json = JSON.stringify({ transaction_id: transactionId });
    const startMs = this.#clock.elapsed();
    const request = { method: 'POST', path: '/_matrix/app/v1/ping', json, timeoutMs: TIMEOUT_MS } as const;
    const reply = await this.#client.request(service, request).catch((error: unknown) => {
      if (error instanceof TookTooLong) throw connectionTimeout();
      if (error instanceof OutboundError)
        throw connectionFailed(`The application service cannot be reached: ${error.message}`);
      throw error;
    });
    if (!isSuccess(reply)) throw badStatus(reply.status, reply.text.slice(0, BODY_CHARACTERS_MAX));
    return Math.round(this.#clock.elapsed() - startMs);
  }
}
