import { LruMap } from '../platform/caches/lru.ts';
import type { Clock } from '../platform/clock.ts';
import { InFlight } from '../platform/concurrency/in-flight.ts';
import { KeyedSlots } from '../platform/concurrency/keyed-slots.ts';
import { NoSlot } from '../platform/concurrency/slots.ts';
import { OutboundError } from '../platform/outbound/reply.ts';
import type { ApplicationServices } from './application-services.ts';
import type { ApplicationServiceClient } from './client.ts';
import type { ApplicationService } from './registration.ts';

const TIMEOUT_MS = 20_000;
/** The time for which a name that no application service has created is not asked for again. */
const UNKNOWN_MS = 30_000;
const UNKNOWN_MAX = 10_000;
/** The questions to one application service. */
const REQUESTS = { running: 10, waiting: 100 };

/**
 * Asks application services about users and room aliases of their namespaces that do not exist (application service API,
 * "Querying"). They create what exists in their network.
 */
export class ServiceQuestions {
  readonly #services: ApplicationServices;
  readonly #client: ApplicationServiceClient;
  readonly #clock: Clock;
  readonly #running = new InFlight<string, boolean>();
  readonly #slots = new KeyedSlots<string>(REQUESTS);
  /** The names that no application service has created, with the time of the answer. */
  readonly #unknown = new LruMap<string, number>(UNKNOWN_MAX);

  constructor(services: ApplicationServices, client: ApplicationServiceClient, clock: Clock) {
    this.#services = services;
    this.#client = client;
    this.#clock = clock;
  }

  /** Returns whether an application service says that it has created a user of this server. */
  createsUser(userId: string): Promise<boolean> {
    const asked = this.#services.all.filter((service) => this.#services.ownsUser(service, userId));
    return this.#ask(asked, 'users', userId, ({ users }) => users.reserves(userId));
  }

  /** Returns whether an application service says that it has created a room alias of this server. */
  createsAlias(alias: string): Promise<boolean> {
    const asked = this.#services.all.filter(({ aliases }) => aliases.has(alias));
    return this.#ask(asked, 'rooms', alias, ({ aliases }) => aliases.reserves(alias));
  }

  /** Asks application services one after the other, those for which the name is reserved first. */
  async #ask(
    services: readonly ApplicationService[],
    what: 'users' | 'rooms',
    name: string,
    isReserved: (service: ApplicationService) => boolean,
  ): Promise<boolean> {
    const asked = services.filter(({ url }) => url !== undefined);
    if (asked.length === 0 || this.#isUnknown(name)) return false;
    const inOrder = asked.toSorted((a, b) => Number(isReserved(b)) - Number(isReserved(a)));
    return this.#running.run(`${what} ${name}`, async () => {
      for (const service of inOrder)
        if (await this.#create(service, `/${what}/${encodeURIComponent(name)}`)) return true;
      this.#unknown.set(name, this.#clock.elapsed());
      return false;
    });
  }

  #isUnknown(name: string): boolean {
    const askedAtMs = this.#unknown.get(name);
    return askedAtMs !== undefined && this.#clock.elapsed() - askedAtMs < UNKNOWN_MS;
  }

  async #create(service: ApplicationService, at: string): Promise<boolean> {
    const request = { method: 'GET', path: `/_matrix/app/v1${at}`, timeoutMs: TIMEOUT_MS } as const;
    try {
      const { status } = await this.#slots.run(service.id, () => this.#client.request(service, request));
      return status === 200;
    } catch (error) {
      if (error instanceof OutboundError || error instanceof NoSlot) return false;
      throw error;
    }
  }
}
