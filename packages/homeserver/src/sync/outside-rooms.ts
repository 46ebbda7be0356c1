import type { AccountData } from '../account-data/account-data.ts';
import { GLOBAL } from '../account-data/user-data.ts';
import { matches } from '../filters/matching.ts';
import type { Presences } from '../presence/presence.ts';
import type { Names } from '../storage/engine/names.ts';
import { plainEvent } from './plain-event.ts';
import type { SyncFilter } from './request.ts';

export interface OutsideDeps {
  readonly names: Names;
  readonly accountData: AccountData;
  readonly presences: Presences;
}

/**
 * The parts of an answer besides rooms: account data and presence, each only if there is news. The presence of users
 * who have just come to share a room is news, whenever it has changed.
 */
export async function outsideRooms(
  deps: OutsideDeps,
  user: number,
  { since, met }: { readonly since: number | undefined; readonly met: ReadonlySet<number> },
  filter: SyncFilter,
): Promise<string> {
  const accountData = await globalAccountData(deps, user, since, filter);
  const presence = await presenceEvents(deps, user, { since, met }, filter);
  const parts = [];
  if (accountData.length > 0) parts.push(`,"account_data":{"events":[${accountData.join(',')}]}`);
  if (presence.length > 0) parts.push(`,"presence":{"events":[${presence.join(',')}]}`);
  return parts.join('');
}

async function globalAccountData(
  deps: OutsideDeps,
  user: number,
  since: number | undefined,
  filter: SyncFilter,
): Promise<string[]> {
  const data = await deps.accountData.of(user);
  const rows = since === undefined ? [...data.global()] : data.since(since).filter(({ room }) => room === GLOBAL);
  return rows
    .filter(({ type }) => matches(filter.accountData, type, '', () => false))
    .map(({ type, content }) => plainEvent(type, content));
}

async function presenceEvents(
  deps: OutsideDeps,
  user: number,
  { since, met }: { readonly since: number | undefined; readonly met: ReadonlySet<number> },
  filter: SyncFilter,
): Promise<string[]> {
  if (filter.presence.nothing) return [];
  const changed = await deps.presences.changedSince(user, since);
  const users = met.size === 0 ? changed : new Set([...changed, ...deps.presences.present(met)]);
  const ids = await deps.names.texts(users);
  const events: string[] = [];
  for (const num of users) {
    const sender = ids.get(num) ?? '';
    if (!matches(filter.presence, 'm.presence', sender, () => false)) continue;
    const content = JSON.stringify(await deps.presences.contentOf(num));
    events.push(plainEvent('m.presence', content, { sender }));
  }
  return events;
}
