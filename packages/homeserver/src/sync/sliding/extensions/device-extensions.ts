import type { Lookups } from '../../../platform/lookups/lookups.ts';
import { parseSyncToken, streamToken } from '../../../timeline/position.ts';
import type { ToDeviceInbox } from '../../../to-device/inbox.ts';
import type { DeviceSections } from '../../render/device-sections.ts';
import type { SyncRange } from '../../select/stream-reader.ts';
import type { SlidingSyncBody } from '../lists.ts';

/** The user and device of a request, and the range of its answer. */
export interface DeviceExtensionRequest {
  readonly user: number;
  readonly device: number;
  readonly body: SlidingSyncBody;
  readonly range: SyncRange;
}

/** A member of `extensions` for the device, as JSON text. Every answer contains it. */
export interface DeviceExtension {
  readonly text: string;
  readonly hasNews: boolean;
}

/** Renders the extensions about messages to the device (MSC3885) and about keys (MSC3884). */
export class DeviceExtensions {
  readonly #inbox: ToDeviceInbox;
  readonly #sections: DeviceSections;

  constructor(inbox: ToDeviceInbox, sections: DeviceSections) {
    this.#inbox = inbox;
    this.#sections = sections;
  }

  /**
   * Renders the messages to the device; `undefined` if the extension is disabled. The extension has a separate token,
   * with which the client acknowledges earlier messages.
   */
  async toDevice({ device, body, range: { upTo } }: DeviceExtensionRequest): Promise<DeviceExtension | undefined> {
    const extension = body.extensions?.to_device;
    if (extension?.enabled !== true) return undefined;
    const since = extension.since ?? undefined;
    const after = since === undefined ? undefined : Math.min(parseSyncToken(since, 'since').toDevice, upTo);
    const { texts, through } = await this.#inbox.receive(device, after, upTo);
    const next = streamToken(through ?? upTo);
    const text = `"to_device":{"next_batch":"${next}","events":[${texts.join(',')}]}`;
    return { text, hasNews: texts.length > 0 };
  }

  /** Renders changed device lists and the counts of the device's keys; `undefined` if the extension is disabled. */
  keys(lookups: Lookups, { user, device, body, range }: DeviceExtensionRequest): DeviceExtension | undefined {
    if (body.extensions?.e2ee?.enabled !== true) return undefined;
    const lists = this.#sections.deviceLists(lookups, user, range);
    const members = `${lists}${this.#sections.keyCounts(lookups, device)}`.slice(1);
    return { text: `"e2ee":{${members}}`, hasNews: lists !== '' };
  }
}
