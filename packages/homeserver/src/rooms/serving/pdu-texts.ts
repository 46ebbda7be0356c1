import { redactPdu } from '@hearth/protocol/events/redact.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { cacheBytes, textBytes } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import { deferred, type Text } from '../../platform/long-text.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { type PduDeps, pdusOf } from '../events/pdu.ts';

const TEXTS_MAX = 20_000;
const TEXTS_MIB = 32;
/** The number of events that are loaded and rendered together while an answer is written. */
const BATCH = 100;
const NOTHING_HIDDEN: ReadonlySet<number> = new Set();

/**
 * The JSON texts of events in the form of server-server API, "PDUs". The latest ones are cached, because servers ask
 * for the same events one after the other.
 */
export class PduTexts {
  readonly #deps: PduDeps;
  /** A redaction replaces the stored event, so that its text is not found any more. */
  readonly #texts = new LruMap<StoredEvent, string>(TEXTS_MAX, {
    bytesMax: cacheBytes(TEXTS_MIB),
    bytesOf: (text) => 100 + textBytes(text),
  });

  constructor(deps: PduDeps) {
    this.#deps = deps;
  }

  /**
   * Returns the texts of events of one room, in the same order.
   * @param hidden the numbers of events that are redacted
   */
  async of(
    version: RoomVersion,
    events: readonly StoredEvent[],
    hidden: ReadonlySet<number> = NOTHING_HIDDEN,
  ): Promise<string[]> {
    const found = new Map<StoredEvent, string>();
    const absent: StoredEvent[] = [];
    for (const event of events) {
      const text = hidden.has(event.num) ? undefined : this.#texts.get(event);
      if (text === undefined) absent.push(event);
      else found.set(event, text);
    }
    const pdus = await pdusOf(this.#deps, version, absent);
    for (const [i, event] of absent.entries()) {
      const pdu = pdus[i];
      if (pdu === undefined) continue;
      const isHidden = hidden.has(event.num);
      const text = JSON.stringify(isHidden ? redactPdu(pdu, version) : pdu);
      if (!isHidden) this.#texts.set(event, text);
      found.set(event, text);
    }
    return events.flatMap((event) => found.get(event) ?? []);
  }

  /** Returns the texts of any number of events, separated by commas. They are rendered while the answer is written. */
  later(version: RoomVersion, nums: readonly number[], hidden?: ReadonlySet<number>): Text {
    return deferred(() => this.#render(version, nums, hidden));
  }

  async *#render(
    version: RoomVersion,
    nums: readonly number[],
    hidden: ReadonlySet<number> | undefined,
  ): AsyncGenerator<string> {
    let separator = '';
    for (let at = 0; at < nums.length; at += BATCH) {
      const events = await this.#deps.events.list(nums.slice(at, at + BATCH));
      const texts = await this.of(version, events, hidden);
      if (texts.length === 0) continue;
      yield separator + texts.join(',');
      separator = ',';
    }
  }
}

/** Returns events as the JSON text of a transaction (server-server API, "Transactions"). */
export function transactionText(serverName: string, now: number, pdus: readonly string[]): string {
  return `{"origin":${JSON.stringify(serverName)},"origin_server_ts":${now},"pdus":[${pdus.join(',')}]}`;
}
