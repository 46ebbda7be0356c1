import type { KeyStock } from '../encryption/key-stock.ts';
import type { Filter } from '../filters/filter.ts';
import type { Clock } from '../platform/clock.ts';
import type { Cancellation } from '../platform/concurrency/cancellation.ts';
import { concat, type Text } from '../platform/long-text.ts';
import type { Presences } from '../presence/presence.ts';
import type { PresenceState } from '../presence/user-presence.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { syncToken } from '../timeline/position.ts';
import { type DeviceSectionDeps, deviceSections } from './device-sections.ts';
import { messagesOnly } from './messages-only.ts';
import type { Interest, Notifier } from './notifier.ts';
import { presentOf } from './present.ts';
import { prepareFilter } from './request.ts';
import { type AnswerDeps, type Asked, wholeAnswer } from './whole-answer.ts';

export interface SyncDeps extends AnswerDeps, DeviceSectionDeps {
  readonly clock: Clock;
  readonly stream: Stream;
  readonly userRooms: UserRooms;
  readonly notifier: Notifier;
  readonly presences: Presences;
}

/** A `/sync` request. */
export interface SyncRequest extends Asked {
  readonly since: number | undefined;
  /** Where messages to the device go on, if not at `since`. */
  readonly toDevice?: number | undefined;
  readonly filter: Filter;
  readonly presence: PresenceState;
  readonly timeoutMs: number;
  /** For when the client has gone; only asked for by a request that waits. */
  readonly cancellation: () => Cancellation;
}

/** `GET /sync` (client-server API, "Syncing"): the answer as JSON text. Waits for news if there are none. */
export async function sync(deps: SyncDeps, request: SyncRequest): Promise<Text> {
  const filter = prepareFilter(request.filter);
  const deadline = deps.clock.elapsed() + request.timeoutMs;
  if (request.presence !== 'offline') await deps.presences.synced(request, request.presence, request.timeoutMs);
  // A token from the future, as after a restored backup, is one for now.
  const now = deps.stream.current;
  let since = request.since === undefined ? undefined : Math.min(request.since, now);
  let toDevice = request.toDevice === undefined ? since : Math.min(request.toDevice, now);
  const lazy = filter.lazyMembers ? deps.lazyMembers.asked(request.device, since) : undefined;
  for (;;) {
    // Values in memory cause no promise: see `messagesOnly`.
    const present = presentOf(deps, request.user);
    const { rows, upTo } = present instanceof Promise ? await present : present;
    const coming = deviceSections(deps, request, { since, toDevice, upTo, rows });
    const forDevice = coming instanceof Promise ? await coming : coming;
    const range = { since, upTo, rows, lazy };
    const news = messagesOnly(deps, request, filter, range) ?? (await wholeAnswer(deps, request, filter, range));
    const body = typeof news === 'string' ? news + forDevice.text : concat(news, forDevice.text);
    const waitMs = deadline - deps.clock.elapsed();
    const isDue = since === undefined || request.fullState || waitMs <= 0;
    const { through } = forDevice;
    if (lazy !== undefined) deps.lazyMembers.answered(lazy, upTo);
    if (body !== '' || isDue) return answerText(deps, request, syncToken(upTo, through), body);
    // Nothing has happened up to here, so the next look begins here.
    since = upTo;
    toDevice = upTo;
    const cancellation = request.cancellation();
    await deps.notifier.wait(interestOf(deps, request), upTo, waitMs, cancellation);
    if (cancellation.isCancelled) return answerText(deps, request, syncToken(upTo, undefined), '');
  }
}

/** With what keys the device has: clients have to be told with every answer. */
function answerText(
  { claimableKeys }: SyncDeps,
  { device }: SyncRequest,
  token: string,
  body: Text,
): Text | Promise<Text> {
  const text = (stock: KeyStock) => {
    const [start, end] = [`{"next_batch":"${token}"`, `${stock.syncText}}`];
    return typeof body === 'string' ? start + body + end : concat(start, body, end);
  };
  const stock = claimableKeys.stockOf(device);
  return stock instanceof Promise ? stock.then(text) : text(stock);
}

/** The rooms for which the client waits: its user's rooms, and those that it peeks into. */
function interestOf({ peeks }: SyncDeps, { user, device }: SyncRequest): Interest {
  const rooms = peeks.of(device);
  return rooms.size === 0 ? { user, device } : { user, device, also: new Set(rooms.keys()) };
}
