import { forbidden, invalidParam, limitExceeded, unknown } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import { NoSlot, Slots } from '../../platform/concurrency/slots.ts';
import { OutboundError } from '../../platform/outbound/reply.ts';
import type { Database } from '../../storage/engine/database.ts';
import { putUrlPreview, readUrlPreview } from '../../storage/media/url-previews.ts';

export interface PreviewSettings {
  readonly enabled: boolean;
  readonly keptMs: number;
}

/** Creates a preview: Open Graph properties as JSON. @throws OutboundError */
export type MakePreview = (url: URL) => Promise<Readonly<Record<string, string | number>>>;

/** The maximum number of stored previews. The oldest are deleted. */
export const PREVIEWS_KEPT_MAX = 50_000;

const URL_LENGTH_MAX = 4_096;
/** The maximum numbers of pages that are fetched at a time and of requests that wait. */
const SLOTS = { running: 8, waiting: 64 };
const RETRY_MS = 1_000;

/** Creates and stores URL previews: metadata of pages that clients show before a user opens them. */
export class Previews {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #settings: PreviewSettings;
  readonly #make: MakePreview;
  readonly #slots = new Slots(SLOTS);
  readonly #making = new InFlight<string, string>();

  constructor(
    parts: { readonly database: Database; readonly clock: Clock; readonly settings: PreviewSettings },
    make: MakePreview,
  ) {
    this.#database = parts.database;
    this.#clock = parts.clock;
    this.#settings = parts.settings;
    this.#make = make;
  }

  /**
   * Returns the JSON text of a preview.
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_LIMIT_EXCEEDED, M_UNKNOWN (502)
   */
  async get(given: string): Promise<string> {
    if (!this.#settings.enabled) throw forbidden('URL previews are disabled on this server');
    const url = URL.parse(given);
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || given.length > URL_LENGTH_MAX) {
      throw invalidParam('The URL is not a valid HTTP or HTTPS URL');
    }
    // The fragment is only for browsers and is not sent.
    url.hash = '';
    const known = await readUrlPreview(this.#database, url.href, this.#clock.now() - this.#settings.keptMs);
    return known ?? this.#shared(url);
  }

  async #shared(url: URL): Promise<string> {
    try {
      return await this.#making.run(url.href, () => this.#slots.run(() => this.#store(url)));
    } catch (error) {
      if (error instanceof NoSlot) throw limitExceeded(RETRY_MS, 'Too many URL previews are in progress');
      if (!(error instanceof OutboundError)) throw error;
      if (error.isForbidden) throw forbidden('URL previews of this address are not allowed');
      throw unknown(`The page could not be fetched: ${error.message}`, 502);
    }
  }

  async #store(url: URL): Promise<string> {
    const json = JSON.stringify(await this.#make(url));
    await this.#database.commit([putUrlPreview(url.href, json, this.#clock.now())]);
    return json;
  }
}
