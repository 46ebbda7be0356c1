import { invalidParam } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Lookups } from '../../../platform/lookups/lookups.ts';
import type { Reader } from '../../../rooms/access.ts';
import type { EventStore } from '../../../storage/rooms/events/event-store.ts';
import type { StickyStore } from '../../../storage/rooms/events/sticky-events.ts';
import { SYNC_FORMAT } from '../../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../../timeline/render/event-renderer.ts';
import type { ExtensionRequest } from './extension-request.ts';

const LIMIT_DEFAULT = 100;

interface Parts {
  readonly clock: Clock;
  readonly sticky: StickyStore;
  readonly events: EventStore;
  readonly renderer: EventRenderer;
}

/** Renders the extension about sticky events of the user's joined rooms (MSC4354). */
export class StickyExtension {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Renders its member of `extensions`; empty without events. The extension has a separate token, because there may be
   * more events than one answer can contain.
   * @throws MatrixError M_INVALID_PARAM for an invalid `since`
   */
  text(lookups: Lookups, { body, range, answers }: ExtensionRequest, reader: Reader): string {
    const asked = body.extensions?.['org.matrix.msc4354.sticky_events'];
    if (asked?.enabled !== true) return '';
    const { clock, sticky, events: store, renderer } = this.#parts;
    const since = parseSince(asked.since ?? undefined);
    const now = clock.now();
    const joined = [...range.rows.values()].filter(({ membership }) => membership === 'join');
    const rows = joined
      .flatMap(({ room }) => sticky.of(room, now))
      .filter(({ num }) => num > since && num <= range.upTo)
      .sort((a, b) => a.num - b.num)
      .slice(0, Math.min(asked.limit ?? LIMIT_DEFAULT, LIMIT_DEFAULT));
    const last = rows.at(-1);
    if (last === undefined) return '';
    const found = lookups.all(
      store.source,
      rows.map(({ num }) => num),
    );
    const events = found
      .filter((event) => event !== undefined)
      .filter(
        ({ room, eventId, redactedBy, senderNum, isState }) =>
          redactedBy === null &&
          answers.get(room)?.timeline.includes(eventId) !== true &&
          (isState || !reader.ignored.has(senderNum)),
      );
    const shown = events.map((event) => ({ event }));
    const texts = renderer.texts(lookups, reader, shown, SYNC_FORMAT);
    const byRoom = Map.groupBy(
      events.map(({ roomId }, i) => ({ roomId, text: texts[i] ?? '' })),
      ({ roomId }) => roomId,
    );
    const rooms = [...byRoom].map(
      ([roomId, list]) => `${JSON.stringify(roomId)}:{"events":[${list.map(({ text }) => text).join(',')}]}`,
    );
    return `"org.matrix.msc4354.sticky_events":{"next_batch":"sticky_${last.num}","rooms":{${rooms.join(',')}}}`;
  }
}

function parseSince(since: string | undefined): number {
  if (since === undefined) return 0;
  const match = /^sticky_(\d{1,15})$/.exec(since);
  if (match === null) throw invalidParam("'since' of the extension for sticky events is not a token of this server");
  return Number(match[1]);
}
