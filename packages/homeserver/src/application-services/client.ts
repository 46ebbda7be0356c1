import type { ConfiguredHttp, ConfiguredReply } from '../platform/outbound/configured-http.ts';
import { OutboundError } from '../platform/outbound/reply.ts';
import type { ApplicationService } from './registration.ts';

/** A request to an application service. */
export interface ServiceRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** The path and query, percent-encoded, with its beginning such as `/_matrix/app/v1`. */
  readonly path: string;
  /** The path of application services from before version 1 of their API, if it has another one. */
  readonly legacyPath?: string;
  readonly json?: string | undefined;
  readonly timeoutMs: number;
}

/** The statuses with which application services answer paths that they do not know. */
const UNKNOWN_PATH: ReadonlySet<number> = new Set([404, 405, 501]);
/** The number of requests by the older path after which the current one is tried again. */
const LEGACY_TIMES = 100;

/** Sends requests to application services (application service API, "Authorisation", "Legacy routes"). */
export class ApplicationServiceClient {
  readonly #http: Pick<ConfiguredHttp, 'send'>;
  /** The number of further requests by older paths, by the id of the application service. */
  readonly #legacy = new Map<string, number>();

  constructor(http: Pick<ConfiguredHttp, 'send'>) {
    this.#http = http;
  }

  /** Sends a request. Returns the answer, whatever its status is. @throws OutboundError */
  async request(service: ApplicationService, request: ServiceRequest): Promise<ConfiguredReply> {
    const { path, legacyPath } = request;
    const left = this.#legacy.get(service.id) ?? 0;
    if (legacyPath !== undefined && left > 0) {
      const reply = await this.#send(service, request, legacyPath);
      const isKnown = !UNKNOWN_PATH.has(reply.status);
      this.#legacy.set(service.id, isKnown ? left - 1 : 0);
      // The application service may have been updated.
      if (isKnown) return reply;
    }
    const reply = await this.#send(service, request, path);
    if (legacyPath === undefined || !UNKNOWN_PATH.has(reply.status)) return reply;
    const older = await this.#send(service, request, legacyPath);
    if (UNKNOWN_PATH.has(older.status)) return reply;
    this.#legacy.set(service.id, LEGACY_TIMES);
    return older;
  }

  #send(
    service: ApplicationService,
    { method, json, timeoutMs }: ServiceRequest,
    path: string,
  ): Promise<ConfiguredReply> {
    const { url: base, serverToken } = service;
    const url = base === undefined ? null : URL.parse(`${base}${path}`);
    if (url === null) throw new OutboundError('the registration has no URL', true);
    return this.#http.send(url, { method, headers: { authorization: `Bearer ${serverToken}` }, json, timeoutMs });
  }
}
