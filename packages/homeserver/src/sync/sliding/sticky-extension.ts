import { invalidParam } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { StickyStore } from '../../storage/rooms/events/sticky-events.ts';
import { SYNC_FORMAT } from '../../timeline/client-form.ts';
import { type HydrateDeps, hydrateState, type Reader } from '../../timeline/hydrate.ts';
import type { ExtensionRequest } from './extension-request.ts';

const LIMIT_DEFAULT = 100;

export interface StickyExtensionDeps extends HydrateDeps {
  readonly sticky: StickyStore;
  readonly clock: Clock;
}

/**
 * The sticky events of the user's joined rooms as a member of `extensions` (MSC4354). It has a token of its own, since
 * there may be more than one answer takes. Empty without news.
 * @throws MatrixError M_INVALID_PARAM for a `since` that is no token
 */
export async function stickyExtension(
  deps: StickyExtensionDeps,
  { body, range, answers }: ExtensionRequest,
  reader: Reader,
): Promise<string> {
  const wish = body.extensions?.['org.matrix.msc4354.sticky_events'];
  if (wish?.enabled !== true) return '';
  const since = parseSince(wish.since ?? undefined);
  const now = deps.clock.now();
  const joined = [...range.rows.values()].filter(({ membership }) => membership === 'join');
  const rows = joined
    .flatMap(({ room }) => deps.sticky.of(room, now))
    .filter(({ num }) => num > since && num <= range.upTo)
    .sort((a, b) => a.num - b.num)
    .slice(0, Math.min(wish.limit ?? LIMIT_DEFAULT, LIMIT_DEFAULT));
  const last = rows.at(-1);
  if (last === undefined) return '';
  const events = (await deps.events.list(rows.map(({ num }) => num))).filter(
    ({ room, eventId, redactedBy, senderNum, isState }) =>
      redactedBy === null &&
      answers.get(room)?.timeline.includes(eventId) !== true &&
      (isState || !reader.ignored.has(senderNum)),
  );
  const texts = await hydrateState(deps, reader, events, SYNC_FORMAT);
  const byRoom = Map.groupBy(
    events.map(({ roomId }, i) => ({ roomId, text: texts[i] ?? '' })),
    ({ roomId }) => roomId,
  );
  const rooms = [...byRoom].map(
    ([roomId, list]) => `${JSON.stringify(roomId)}:{"events":[${list.map(({ text }) => text).join(',')}]}`,
  );
  return `"org.matrix.msc4354.sticky_events":{"next_batch":"sticky_${last.num}","rooms":{${rooms.join(',')}}}`;
}

function parseSince(since: string | undefined): number {
  if (since === undefined) return 0;
  const match = /^sticky_(\d{1,15})$/.exec(since);
  if (match === null) throw invalidParam('since of the sticky events is not a token of this server');
  return Number(match[1]);
}
