import type { Filter } from '../filters/filter.ts';
import type { Clock } from '../platform/clock.ts';
import type { Cancellation } from '../platform/concurrency/cancellation.ts';
import { concat, type Text } from '../platform/long-text.ts';
import { complete } from '../platform/lookups/lookups.ts';
import type { Presences } from '../presence/presence.ts';
import type { PresenceState } from '../presence/user-presence.ts';
import { syncToken } from '../timeline/position.ts';
import type { ToDeviceInbox } from '../to-device/inbox.ts';
import type { Interest, Notifier } from './changes/notifier.ts';
import type { DeviceSections } from './render/device-sections.ts';
import type { StreamReader } from './select/stream-reader.ts';
import type { AnswerRequest, SyncAnswer } from './sync-answer.ts';
import { prepareFilter } from './sync-filter.ts';

interface Parts {
  readonly clock: Clock;
  readonly stream: StreamReader;
  readonly notifier: Notifier;
  readonly presences: Presences;
  readonly inbox: ToDeviceInbox;
  readonly device: DeviceSections;
  readonly answer: SyncAnswer;
}

/** A `/sync` request. */
export interface SyncRequest extends Omit<AnswerRequest, 'filter'> {
  readonly since: number | undefined;
  /** The position up to which messages to the device are delivered, if it differs from `since`. */
  readonly toDevice?: number | undefined;
  readonly filter: Filter;
  readonly presence: PresenceState;
  readonly timeoutMs: number;
  /** Returns the cancellation for a client that closes the connection. Called only if the request waits. */
  readonly cancellation: () => Cancellation;
}

/** `GET /sync` (client-server API, "Syncing"). */
export class Sync {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the answer to a request as JSON text. Waits if there are no changes. */
  async respond(request: SyncRequest): Promise<Text> {
    const { clock, stream, notifier, presences, inbox, device, answer } = this.#parts;
    const { user } = request;
    const asked = { ...request, filter: prepareFilter(request.filter) };
    const deadline = clock.elapsed() + request.timeoutMs;
    if (request.presence !== 'offline') await presences.synced(request, request.presence, request.timeoutMs);
    let since = stream.clamp(request.since);
    let toDevice = request.toDevice === undefined ? since : stream.clamp(request.toDevice);
    const lazy = answer.lazyChain(asked, since);
    for (;;) {
      const range = stream.range(user, since, await stream.point(user));
      const { upTo } = range;
      const { texts, through } = await inbox.receive(request.device, toDevice, upTo);
      const messages = texts.length > 0 ? `,"to_device":{"events":[${texts.join(',')}]}` : '';
      const news = await answer.text(asked, range, lazy);
      const forDevice = await complete((lookups) => ({
        lists: device.deviceLists(lookups, user, range),
        keys: device.keyCounts(lookups, request.device),
      }));
      const body = concatTexts(news, messages + forDevice.lists);
      const waitMs = deadline - clock.elapsed();
      const isDue = since === undefined || request.fullState || waitMs <= 0;
      if (body !== '' || isDue) return responseText(syncToken(upTo, through), body, forDevice.keys);
      // There are no changes up to this position, so the next range begins here.
      since = upTo;
      toDevice = upTo;
      const cancellation = request.cancellation();
      await notifier.wait(this.#interest(request), upTo, waitMs, cancellation);
      if (cancellation.isCancelled) return responseText(syncToken(upTo, undefined), '', forDevice.keys);
    }
  }

  /** Returns the rooms for which the request waits: those of its user, and those that the device peeks into. */
  #interest({ user, device }: SyncRequest): Interest {
    const rooms = this.#parts.answer.peekedRooms(device);
    return rooms.size === 0 ? { user, device } : { user, device, also: new Set(rooms.keys()) };
  }
}

function concatTexts(news: Text, rest: string): Text {
  return typeof news === 'string' ? news + rest : concat(news, rest);
}

/**
 * Renders an answer.
 * @param keys the counts of the device's keys, which every answer contains
 */
function responseText(token: string, body: Text, keys: string): Text {
  const [start, end] = [`{"next_batch":"${token}"`, `${keys}}`];
  return typeof body === 'string' ? start + body + end : concat(start, body, end);
}
