import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asString, isObject } from '@hearth/protocol/json/value.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { NOT_LOADED } from '../platform/lookups/source.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { RoomSettings } from './room-settings.ts';

interface ReplacedRoomsParts {
  readonly stream: Stream;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly settings: RoomSettings;
  readonly background: Background;
  readonly serverName: string;
}

/**
 * Copies a user's settings to a room that replaces another when the user joins it: "the server should automatically
 * transfer/replicate some of the user's personalized settings such as notifications, tags, etc." (client-server API,
 * "Room Upgrades", "Server behaviour").
 */
export class ReplacedRooms {
  readonly #parts: ReplacedRoomsParts;

  constructor(parts: ReplacedRoomsParts) {
    this.#parts = parts;
  }

  /** Starts to watch the joins of users of this server. */
  watch(): void {
    this.#parts.stream.listen((changes) => {
      for (const change of changes) if (change.kind === 'event') this.#notice(change);
    });
  }

  #notice({ room, event: num }: Change & { kind: 'event' }): void {
    const { events, heads, background, serverName } = this.#parts;
    const event = events.cached(num);
    if (event?.type !== 'm.room.member' || event.content.membership !== 'join') return;
    if (domainOf(event.stateKey ?? '') !== serverName) return;
    const create = heads.cached(room)?.peek('m.room.create', '') ?? NOT_LOADED;
    if (create === NOT_LOADED || predecessorOf(create) !== undefined)
      background.start('copying settings to an upgraded room', () => this.#carry(event));
  }

  async #carry(join: StoredEvent): Promise<void> {
    const { events, heads, settings } = this.#parts;
    const { stateKeyNum: user, room, replaces } = join;
    if (user === null || (replaces !== null && (await events.one(replaces))?.content.membership === 'join')) return;
    const head = await heads.byNum(room);
    const create = await head?.state('m.room.create');
    if (head === undefined || create === undefined) return;
    const old = await heads.find(predecessorOf(create) ?? '');
    if (old === undefined || !(await isReplacedBy(old, head, create, join))) return;
    await settings.copy(user, old, head);
  }
}

/**
 * Returns whether the old room names the new room as its replacement, so that a room cannot get the settings of any
 * other room. The creator of the new room joins it before the tombstone exists, and can only affect their own settings.
 */
async function isReplacedBy(old: Head, head: Head, create: StoredEvent, join: StoredEvent): Promise<boolean> {
  if (create.senderNum === join.stateKeyNum) return true;
  return (await old.state('m.room.tombstone'))?.content.replacement_room === head.roomId;
}

function predecessorOf({ content: { predecessor } }: StoredEvent): string | undefined {
  return isObject(predecessor) ? asString(predecessor.room_id) : undefined;
}
