import type { AccountData } from '../account-data/account-data.ts';
import { GLOBAL } from '../account-data/user-data.ts';
import type { Presences } from '../presence/presence.ts';
import { isVisible, receiptContent } from '../receipts/content.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change } from '../storage/engine/stream.ts';
import { LEGACY_FORMAT } from '../timeline/client-form.ts';
import { type HydrateDeps, hydrate, type Reader, type Shown } from '../timeline/hydrate.ts';
import type { EphemeralDeps } from './ephemeral.ts';
import { plainEvent } from './plain-event.ts';

export interface LegacyTextDeps extends HydrateDeps, EphemeralDeps {
  readonly accountData: AccountData;
  readonly presences: Presences;
  readonly names: Names;
}

/**
 * Changes as that stream has always carried them, in their order: room events, typing, receipts, tags and account data
 * (with `room_id` where they belong to a room) and presence. Changes of the same thing are told once, as it is now.
 * @param isNamed whether the listener has named the rooms: all changes are of those, also the presence of their members
 */
export async function legacyTexts(
  deps: LegacyTextDeps,
  reader: Reader,
  changes: readonly Change[],
  { shown, isNamed }: { readonly shown: ReadonlyMap<number, Shown>; readonly isNamed: boolean },
): Promise<string[]> {
  const visible = changes.flatMap((change) => (change.kind === 'event' ? (shown.get(change.event) ?? []) : []));
  const rendered = await hydrate(deps, reader, visible, LEGACY_FORMAT);
  const texts = new Map(visible.map(({ event }, i) => [event.num, rendered[i] ?? '']));
  const told = new Set<string>();
  const list: string[] = [];
  for (const change of changes) {
    const text =
      change.kind === 'event' ? texts.get(change.event) : await passing(deps, reader, change, { told, isNamed });
    if (text !== undefined) list.push(text);
  }
  return list;
}

/** An item of the stream that is no room event. */
async function passing(
  deps: LegacyTextDeps,
  reader: Reader,
  change: Change,
  { told, isNamed }: { readonly told: Set<string>; readonly isNamed: boolean },
): Promise<string | undefined> {
  switch (change.kind) {
    case 'typing':
      return once(told, `typing ${change.room}`) ? typingText(deps, change.room) : undefined;
    case 'receipt':
      return once(told, `receipt ${change.room} ${change.user}`) ? receiptText(deps, reader, change) : undefined;
    case 'presence':
      return once(told, `presence ${change.user}`) ? presenceText(deps, reader, change.user, isNamed) : undefined;
    case 'account-data':
      return change.user === reader.user ? accountDataText(deps, change) : undefined;
    default:
      return undefined;
  }
}

function once(told: Set<string>, key: string): boolean {
  if (told.has(key)) return false;
  told.add(key);
  return true;
}

async function typingText(deps: LegacyTextDeps, room: number): Promise<string | undefined> {
  const state = deps.typing.typingIn(room);
  if (state === undefined) return undefined;
  const ids = [...(await deps.names.texts(state.users)).values()];
  return plainEvent('m.typing', JSON.stringify({ user_ids: ids }), { room_id: await deps.names.text(room) });
}

async function receiptText(
  deps: LegacyTextDeps,
  reader: Reader,
  change: Extract<Change, { kind: 'receipt' }>,
): Promise<string | undefined> {
  const receipts = await deps.receipts.receiptsOf(change.room);
  const own = [...receipts.ofUser(change.user)].filter(
    (row) => row.position >= change.position && isVisible(row, reader.user),
  );
  const content = receiptContent(own);
  if (content === undefined) return undefined;
  return plainEvent('m.receipt', content, { room_id: await deps.names.text(change.room) });
}

async function presenceText(
  deps: LegacyTextDeps,
  reader: Reader,
  user: number,
  isNamed: boolean,
): Promise<string | undefined> {
  const sender = await deps.names.text(user);
  const { presences } = deps;
  const content = isNamed ? await presences.contentOf(user) : await presences.contentFor(reader.user, user);
  if (content === undefined) return undefined;
  return plainEvent('m.presence', JSON.stringify({ ...content, user_id: sender }), { sender });
}

async function accountDataText(
  deps: LegacyTextDeps,
  change: Extract<Change, { kind: 'account-data' }>,
): Promise<string | undefined> {
  const row = (await deps.accountData.of(change.user)).get(change.room ?? GLOBAL, change.type);
  if (row === undefined || row.position !== change.position) return undefined;
  const about = change.room === null ? {} : { room_id: await deps.names.text(change.room) };
  return plainEvent(row.type, row.content, about);
}
