import { notFound } from '@hearth/protocol/errors.ts';
import { asObject, isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { ExpiringCache } from '../platform/caches/expiring-cache.ts';
import type { Clock } from '../platform/clock.ts';
import { OutboundError } from '../platform/outbound/reply.ts';
import type { ApplicationServices } from './application-services.ts';
import type { ApplicationServiceClient } from './client.ts';
import type { ApplicationService } from './registration.ts';

/** Places or people in third-party networks. */
export type ThirdPartyKind = 'location' | 'user';

const TIMEOUT_MS = 10_000;
const PROTOCOL_KEPT_MS = 5 * 60_000;
const FAILURE_KEPT_MS = 10_000;
const PROTOCOLS_MAX = 1_000;

/** The networks to which application services connect (client-server API, "Third-party Networks"). */
export class ThirdPartyNetworks {
  readonly #services: readonly ApplicationService[];
  readonly #client: ApplicationServiceClient;
  readonly #protocols: ExpiringCache<JsonObject | undefined>;

  constructor({ all }: ApplicationServices, client: ApplicationServiceClient, clock: Clock) {
    this.#services = all.filter(({ url }) => url !== undefined);
    this.#client = client;
    this.#protocols = new ExpiringCache(clock, PROTOCOLS_MAX);
  }

  /** Returns the metadata of all protocols, by their names. Protocols about which nobody answers are left out. */
  async protocols(): Promise<JsonObject> {
    const names = [...new Set(this.#services.flatMap(({ protocols }) => protocols))];
    const found = await Promise.all(names.map(async (name) => [name, await this.#merged(name)] as const));
    return Object.fromEntries(found.filter(([, metadata]) => metadata !== undefined));
  }

  /** Returns the metadata of a protocol. @throws MatrixError M_NOT_FOUND */
  async protocol(name: string): Promise<JsonObject> {
    const metadata = await this.#merged(name);
    if (metadata === undefined) throw unknownNetwork();
    return metadata;
  }

  /** Returns the places or people of a network that match some fields. @throws MatrixError M_NOT_FOUND */
  async search(kind: ThirdPartyKind, protocol: string, fields: Readonly<Record<string, string>>): Promise<JsonValue[]> {
    const services = this.#servicesOf(protocol);
    if (services.length === 0) throw unknownNetwork();
    return this.#lists(services, `thirdparty/${kind}/${encodeURIComponent(protocol)}`, fields);
  }

  /** Returns the places that a room alias, or the people that a user id stands for in third-party networks. */
  reverse(kind: ThirdPartyKind, id: string): Promise<JsonValue[]> {
    const fields = kind === 'location' ? { alias: id } : { userid: id };
    return this.#lists(this.#services, `thirdparty/${kind}`, fields);
  }

  #servicesOf(protocol: string): ApplicationService[] {
    return this.#services.filter(({ protocols }) => protocols.includes(protocol));
  }

  /** Returns the metadata of a protocol with the instances of all application services. */
  async #merged(protocol: string): Promise<JsonObject | undefined> {
    const services = this.#servicesOf(protocol);
    const answers = await Promise.all(services.map((service) => this.#metadata(service, protocol)));
    const known = answers.filter((answer) => answer !== undefined);
    const [first] = known;
    return first && { ...first, instances: known.flatMap(({ instances }) => instances as JsonObject[]) };
  }

  #metadata(service: ApplicationService, protocol: string): Promise<JsonObject | undefined> {
    return this.#protocols.get(`${service.id} ${protocol}`, async () => {
      const answer = asObject(await this.#get(service, `thirdparty/protocol/${encodeURIComponent(protocol)}`));
      const value = answer && { ...answer, instances: instancesIn(answer, service) };
      return { value, keptMs: value === undefined ? FAILURE_KEPT_MS : PROTOCOL_KEPT_MS };
    });
  }

  async #lists(
    services: readonly ApplicationService[],
    at: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<JsonValue[]> {
    const query = new URLSearchParams(fields).toString();
    const answers = await Promise.all(services.map((service) => this.#get(service, `${at}?${query}`)));
    return answers.flatMap((answer) => (Array.isArray(answer) ? answer.filter(isObject) : []));
  }

  /** Returns the answer of an application service; undefined if it does not answer, or not with JSON. */
  async #get(service: ApplicationService, at: string): Promise<JsonValue | undefined> {
    try {
      const { status, text } = await this.#client.request(service, {
        method: 'GET',
        path: `/_matrix/app/v1/${at}`,
        legacyPath: `/_matrix/app/unstable/${at}`,
        timeoutMs: TIMEOUT_MS,
      });
      return status === 200 ? (JSON.parse(text) as JsonValue) : undefined;
    } catch (error) {
      if (error instanceof OutboundError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}

/** Returns the instances of a protocol. Clients tell them apart by `instance_id`, which only the server knows to be unique. */
function instancesIn({ instances }: JsonObject, { id }: ApplicationService): JsonObject[] {
  const given = Array.isArray(instances) ? instances.filter(isObject) : [];
  return given.map((instance, i) => ({
    ...instance,
    instance_id: `${id}|${typeof instance.network_id === 'string' ? instance.network_id : i}`,
  }));
}

function unknownNetwork() {
  return notFound('This server is not connected to this third-party network');
}
