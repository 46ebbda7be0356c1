import { ExpiringCache } from '../../platform/caches/expiring-cache.ts';
import type { Clock } from '../../platform/clock.ts';
import type { ResolveServices, ServiceRecord } from '../../platform/outbound/dns.ts';
import type { Random } from '../../platform/random.ts';

const NAMES_MAX = 20_000;
/** The resolver of the system does not tell the lifetime of SRV records. */
const RECORDS_KEPT_MS = 5 * 60_000;
const FAILURE_KEPT_MS = 30_000;
const RECORDS_MAX = 10;

/** SRV records with their cache. A failure does not replace an earlier answer. */
export class Services {
  readonly #known: ExpiringCache<readonly ServiceRecord[]>;
  readonly #resolve: ResolveServices;
  readonly #random: Random;

  constructor(resolve: ResolveServices, clock: Clock, random: Random) {
    this.#known = new ExpiringCache(clock, NAMES_MAX);
    this.#resolve = resolve;
    this.#random = random;
  }

  /** Returns the records of a name, in the order in which they are to be tried. */
  async of(name: string): Promise<ServiceRecord[]> {
    const records = await this.#known.get(name, async (expired = []) => {
      try {
        return { value: await this.#resolve(name), keptMs: RECORDS_KEPT_MS };
      } catch {
        return { value: expired, keptMs: FAILURE_KEPT_MS };
      }
    });
    return inOrder(records, this.#random).slice(0, RECORDS_MAX);
  }
}

/**
 * Returns records by priority, and those of the same priority at random by weight (RFC 2782). A target `.` means that
 * there is no such service.
 */
export function inOrder(records: readonly ServiceRecord[], random: Random): ServiceRecord[] {
  const usable = records.filter(({ name, port }) => name !== '' && name !== '.' && port > 0);
  const byPriority = [...Map.groupBy(usable, ({ priority }) => priority)].sort(([a], [b]) => a - b);
  return byPriority.flatMap(([, group]) => byWeight(group, random));
}

function byWeight(group: readonly ServiceRecord[], random: Random): ServiceRecord[] {
  const left = group.toSorted((a, b) => a.weight - b.weight);
  const ordered: ServiceRecord[] = [];
  while (left.length > 0) {
    const chosen = choose(left, random);
    ordered.push(...left.splice(chosen, 1));
  }
  return ordered;
}

/** Returns the index of the record whose share of the sum of all weights contains a random number. */
function choose(records: readonly ServiceRecord[], random: Random): number {
  const total = records.reduce((sum, { weight }) => sum + weight, 0);
  const share = Buffer.from(random.bytes(4)).readUInt32BE() / 2 ** 32;
  let rest = Math.floor(share * (total + 1));
  for (const [i, { weight }] of records.entries()) {
    rest -= weight;
    if (rest <= 0) return i;
  }
  return records.length - 1;
}
