import { complete } from '../../../platform/lookups/lookups.ts';
import type { Reader } from '../../../rooms/access.ts';
import type { DeviceExtensions } from './device-extensions.ts';
import type { ExtensionRequest } from './extension-request.ts';
import type { RoomExtensions } from './room-extensions.ts';
import type { StickyExtension } from './sticky-extension.ts';
import type { ThreadsExtension } from './threads-extension.ts';

interface Parts {
  readonly rooms: RoomExtensions;
  readonly sticky: StickyExtension;
  readonly threads: ThreadsExtension;
  readonly devices: DeviceExtensions;
}

/** Renders the extensions of an answer that are enabled. */
export class Extensions {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders the members of `extensions` as JSON texts, and returns whether any of them has changes. */
  async answer(
    request: ExtensionRequest & { readonly device: number },
    reader: Reader,
  ): Promise<{ readonly texts: readonly string[]; readonly hasNews: boolean }> {
    const { rooms, sticky, threads, devices } = this.#parts;
    const { news, keys } = await complete((lookups) => ({
      news: [...rooms.texts(lookups, request), sticky.text(lookups, request, reader)],
      keys: devices.keys(lookups, request),
    }));
    const withNews = [...news, await threads.text(request)].filter((text) => text !== '');
    const forDevice = [await devices.toDevice(request), keys].filter((extension) => extension !== undefined);
    return {
      texts: [...withNews, ...forDevice.map(({ text }) => text)],
      hasNews: withNews.length > 0 || forDevice.some(({ hasNews }) => hasNews),
    };
  }
}
