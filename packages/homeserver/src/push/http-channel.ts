import { asObject, asStringArray, type JsonObject } from '@hearth/protocol/json/value.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { Clock } from '../platform/clock.ts';
import type { Actions } from '../push-rules/verdicts.ts';
import type { Names } from '../storage/engine/names.ts';
import type { QueuedPush } from '../storage/push/push-queue.ts';
import type { PusherRow } from '../storage/push/pushers.ts';
import type { Badges } from './badges.ts';
import type { Channel, Outcome } from './channel.ts';
import { gatewayOf } from './check-pusher.ts';
import { badgeNotice, dataOf, eventNotice } from './notice.ts';
import type { NotifiableEvents } from './notifiable-events.ts';
import type { PostJson } from './post-json.ts';
import type { RoomNames } from './room-name.ts';

interface HttpChannelParts {
  readonly clock: Clock;
  readonly names: Names;
  readonly roomNames: RoomNames;
  readonly badges: Badges;
  readonly notifiable: NotifiableEvents;
  readonly postJson: PostJson;
}

const TIMEOUT_MS = 15_000;
const CLEARED_MAX = 50_000;
/** Nobody wants to be woken for what is older. */
const TOLD_MS_MAX = 24 * 60 * 60_000;

/** Delivers notifications to push gateways, one event at a time (client-server API, "Push Notifications"). */
export class HttpChannel implements Channel {
  readonly #parts: HttpChannelParts;
  /** Pushers that were told last that nothing is unread. */
  readonly #cleared = new LruMap<number, true>(CLEARED_MAX);

  constructor(parts: HttpChannelParts) {
    this.#parts = parts;
  }

  async deliver(pusher: PusherRow, [first]: readonly QueuedPush[]): Promise<Outcome> {
    if (first === undefined) return { kind: 'done', upTo: 0 };
    const told: Outcome = { kind: 'done', upTo: first.event };
    const { clock, names, roomNames, badges, notifiable } = this.#parts;
    const worth = await notifiable.find(pusher.user_num, first.event);
    if (worth === undefined || clock.now() - worth.event.ts > TOLD_MS_MAX) return told;
    const id = await names.text(pusher.user_num);
    const unread = await badges.of({ num: pusher.user_num, id });
    const actions = JSON.parse(first.actions) as Actions;
    this.#cleared.delete(pusher.num);
    const outcome = await this.#post(pusher, await eventNotice(roomNames, pusher, { ...worth, actions, unread }));
    return outcome ?? told;
  }

  /** Notifies the gateway that nothing is unread any more, unless it already knows. */
  async clearBadge(pusher: PusherRow): Promise<Outcome> {
    const done: Outcome = { kind: 'done', upTo: 0 };
    if (this.#cleared.get(pusher.num) === true) return done;
    const outcome = await this.#post(pusher, badgeNotice(pusher));
    if (outcome === undefined) this.#cleared.set(pusher.num, true);
    return outcome ?? done;
  }

  /** Posts a notification. Returns the error, if there was one. */
  async #post(pusher: PusherRow, notice: JsonObject): Promise<Outcome | undefined> {
    try {
      const { status, body } = await this.#parts.postJson(gatewayOf(dataOf(pusher)), notice, TIMEOUT_MS);
      if (status !== 200) return { kind: 'failed' };
      const rejected = asStringArray(asObject(body)?.rejected) ?? [];
      return rejected.includes(pusher.pushkey) ? { kind: 'rejected' } : undefined;
    } catch {
      return { kind: 'failed' };
    }
  }
}
