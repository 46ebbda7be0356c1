import type { ClaimableKeys } from '../../encryption/claimable-keys.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Names } from '../../storage/engine/names.ts';
import { type DeviceLists, NO_DEVICE_LIST_NEWS } from '../select/device-lists.ts';
import type { SyncRange } from '../select/stream-reader.ts';

interface Parts {
  readonly names: Names;
  readonly claimableKeys: ClaimableKeys;
  readonly deviceLists: DeviceLists;
}

/** Renders the parts of an answer that concern the device (client-server API, "Extensions to /sync"). */
export class DeviceSections {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders the member `device_lists` with a leading comma; empty without changes. */
  deviceLists(lookups: Lookups, user: number, range: SyncRange): string {
    const news = this.#parts.deviceLists.news(lookups, user, range);
    if (news === NO_DEVICE_LIST_NEWS || (news.changed.size === 0 && news.left.size === 0)) return '';
    const [changed, left] = lookups.each([news.changed, news.left], (users) =>
      JSON.stringify(lookups.all(this.#parts.names.textSource, users)),
    );
    return `,"device_lists":{"changed":${changed},"left":${left}}`;
  }

  /** Renders the counts of the device's one-time keys and its unused fallback keys, with a leading comma. */
  keyCounts(lookups: Lookups, device: number): string {
    return lookups.get(this.#parts.claimableKeys.source, device).syncText;
  }
}
