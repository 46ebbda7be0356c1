import { deferred, type Text } from '../../platform/long-text.ts';
import type { Reader } from '../../rooms/access.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { ClientFormat } from './client-form.ts';
import type { EventRenderer } from './event-renderer.ts';

/** The number of state events that are loaded and rendered together while an answer is written. */
const BATCH = 100;
/** The length of a list of state events above which it is rendered while the answer is written. */
const STATE_AT_ONCE = 1_000;
/** The maximum number of events of several lists that are loaded together. Events have at most 64 KB. */
const STATES_AT_ONCE = 2_000;

/** The options for rendering a list of state events. */
export interface StateTextOptions {
  readonly format: ClientFormat;
  readonly isWanted?: (event: StoredEvent) => boolean;
}

/**
 * Returns for each list of state events whether it is loaded together with the others. The rest are read while the
 * answer is written.
 */
export function loadedTogether(lists: readonly (readonly number[])[]): boolean[] {
  let left = STATES_AT_ONCE;
  return lists.map(({ length }) => {
    if (length > Math.min(STATE_AT_ONCE, left)) return false;
    left -= length;
    return true;
  });
}

/**
 * Renders state events by their numbers, for one reader, as JSON texts separated by commas. Only the texts of one batch
 * of a long list are in memory.
 */
export class StateTexts {
  readonly renderer: EventRenderer;
  readonly #events: EventStore;

  constructor({ events, renderer }: { readonly events: EventStore; readonly renderer: EventRenderer }) {
    this.#events = events;
    this.renderer = renderer;
  }

  /** Renders a list; a long one while the answer is written. */
  text(reader: Reader, nums: readonly number[], options: StateTextOptions): Promise<Text> {
    return listText(nums, (some) => this.#render(reader, some, options));
  }

  /** Renders a list while the answer is written, even if it is short. */
  later(reader: Reader, nums: readonly number[], options: StateTextOptions): Text {
    return inBatches(nums, (some) => this.#render(reader, some, options));
  }

  async #render(
    reader: Reader,
    nums: readonly number[],
    { format, isWanted }: StateTextOptions,
  ): Promise<readonly string[]> {
    const events = await this.#events.list(nums);
    return this.renderer.renderState(reader, isWanted === undefined ? events : events.filter(isWanted), format);
  }
}

/** Returns whether a list of state events is rendered while the answer is written. */
export function isLong({ length }: readonly unknown[]): boolean {
  return length > STATE_AT_ONCE;
}

/** Renders a list of state events, separated by commas; a long one while the answer is written. */
async function listText<T>(
  items: readonly T[],
  render: (some: readonly T[]) => Promise<readonly string[]>,
): Promise<Text> {
  return isLong(items) ? inBatches(items, render) : (await render(items)).join(',');
}

/** Renders a list in batches while the answer is written, separated by commas. */
export function inBatches<T>(items: readonly T[], render: (some: readonly T[]) => Promise<readonly string[]>): Text {
  return deferred(async function* () {
    let separator = '';
    for (let at = 0; at < items.length; at += BATCH) {
      const texts = await render(items.slice(at, at + BATCH));
      if (texts.length === 0) continue;
      yield separator + texts.join(',');
      separator = ',';
    }
  });
}
