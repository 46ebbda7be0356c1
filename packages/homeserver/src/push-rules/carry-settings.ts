import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asString, isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { AccountData } from '../account-data/account-data.ts';
import type { Tags } from '../account-data/tags.ts';
import { GLOBAL } from '../account-data/user-data.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { NOT_LOADED } from '../storage/state/state-tree.ts';
import type { PushRules } from './push-rules.ts';

export interface CarrySettingsDeps {
  readonly stream: Stream;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly pushRules: PushRules;
  readonly accountData: AccountData;
  readonly tags: Tags;
  readonly background: Background;
  readonly serverName: string;
}

/**
 * "When a user joins the new room, the server should automatically transfer/replicate some of the user's personalized
 * settings such as notifications, tags, etc." (client-server API, "Room Upgrades", "Server behaviour").
 */
export function watchReplacedRooms(deps: CarrySettingsDeps): void {
  deps.stream.listen((changes) => {
    for (const change of changes) {
      if (change.kind !== 'event') continue;
      const event = deps.events.cached(change.event);
      if (event?.type !== 'm.room.member' || event.content.membership !== 'join') continue;
      if (domainOf(event.stateKey ?? '') !== deps.serverName) continue;
      const create = deps.heads.cached(change.room)?.peek('m.room.create', '') ?? NOT_LOADED;
      if (create === NOT_LOADED || predecessorOf(create) !== undefined)
        deps.background.start('carrying settings to a new room', () => carrySettings(deps, event));
    }
  });
}

async function carrySettings(deps: CarrySettingsDeps, join: StoredEvent): Promise<void> {
  const { events, heads, pushRules, tags } = deps;
  const { stateKeyNum: user, room, replaces } = join;
  if (user === null || (replaces !== null && (await events.one(replaces))?.content.membership === 'join')) return;
  const head = await heads.byNum(room);
  const create = await head?.state('m.room.create');
  if (head === undefined || create === undefined) return;
  const old = await heads.find(predecessorOf(create) ?? '');
  if (old === undefined || !(await isReplacedBy(old, head, create, join))) return;
  await pushRules.carryOver(user, old.roomId, head.roomId);
  await carryDirect(deps, user, [old.roomId, head.roomId]);
  if (Object.keys(await tags.of(user, room)).length > 0) return;
  for (const [tag, value] of Object.entries(await tags.of(user, old.num)))
    if (isObject(value)) await tags.set(user, room, tag, value);
}

/** The new room is a direct chat with whom the old one was. */
async function carryDirect(
  { accountData }: CarrySettingsDeps,
  user: number,
  [from, to]: [string, string],
): Promise<void> {
  const row = (await accountData.of(user)).get(GLOBAL, 'm.direct');
  if (row === undefined) return;
  const direct = JSON.parse(row.content) as JsonObject;
  const lists = Object.entries(direct).map(([userId, rooms]): [string, JsonValue | undefined] => {
    const isMoved = Array.isArray(rooms) && rooms.includes(from) && !rooms.includes(to);
    return [userId, isMoved ? [...rooms, to] : rooms];
  });
  const content = JSON.stringify(Object.fromEntries(lists));
  if (content !== JSON.stringify(direct)) await accountData.set(user, GLOBAL, 'm.direct', content);
}

/**
 * Whether the old room agrees, so that nobody can give a room the settings of another one. The creator of the new
 * room is in it before the old one ends, and changes nobody else's settings.
 */
async function isReplacedBy(old: Head, head: Head, create: StoredEvent, join: StoredEvent): Promise<boolean> {
  if (create.senderNum === join.stateKeyNum) return true;
  return (await old.state('m.room.tombstone'))?.content.replacement_room === head.roomId;
}

function predecessorOf({ content: { predecessor } }: StoredEvent): string | undefined {
  return isObject(predecessor) ? asString(predecessor.room_id) : undefined;
}
