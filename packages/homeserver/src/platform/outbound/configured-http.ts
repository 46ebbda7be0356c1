import type { Agent, ClientRequest } from 'node:http';
import type { Clock } from '../clock.ts';
import { answerOf, HEADER_BYTES_MAX, isClosed, readReply, replyOf, toOutboundError, USER_AGENT } from './reply.ts';

export interface ConfiguredRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** The body as JSON text. */
  readonly json?: string | undefined;
  readonly timeoutMs: number;
}

export interface ConfiguredReply {
  readonly status: number;
  readonly text: string;
}

const ANSWER_BYTES_MAX = 1024 * 1024;
const REUSED_TRIES_MAX = 3;

/**
 * Sends requests to URLs of the configuration. Their addresses are not checked, because operators run such services on private
 * networks. Connections are kept for the next request.
 */
export class ConfiguredHttp {
  readonly #clock: Clock;
  readonly #agents = new Map<string, Agent>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends a request. Redirects are returned as they are. @throws OutboundError */
  async send(url: URL, request: ConfiguredRequest): Promise<ConfiguredReply> {
    const controller = new AbortController();
    const timer = this.#clock.after(request.timeoutMs, () => controller.abort());
    try {
      for (let tries = 1; ; tries += 1) {
        const sent = this.#begin(url, request, controller.signal);
        try {
          const reply = replyOf(await answerOf(sent), () => undefined);
          return { status: reply.status, text: (await readReply(reply, ANSWER_BYTES_MAX)).toString('utf8') };
        } catch (error) {
          // The other side closed the idle connection just before it was used again.
          if (!(sent.reusedSocket && isClosed(error) && tries < REUSED_TRIES_MAX)) throw error;
        }
      }
    } catch (error) {
      throw toOutboundError(error, controller.signal);
    } finally {
      timer.cancel();
    }
  }

  #begin(url: URL, { method, headers, json }: ConfiguredRequest, signal: AbortSignal): ClientRequest {
    const library = process.getBuiltinModule(url.protocol === 'http:' ? 'node:http' : 'node:https');
    const agent = this.#agents.get(url.protocol) ?? new library.Agent({ keepAlive: true });
    this.#agents.set(url.protocol, agent);
    const request = library.request(url, {
      agent,
      method,
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      headers: {
        accept: 'application/json',
        'user-agent': USER_AGENT,
        ...(json !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
        ...headers,
      },
    });
    return request.end(json);
  }

  /** Closes the connections that are not in use. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }
}
