import { EVENT_FIELD_BYTES_MAX } from '@hearth/protocol/events/size.ts';
import { asString, isObject } from '@hearth/protocol/json/value.ts';
import type { Names } from '../../storage/engine/names.ts';
import { isStorable } from '../../storage/engine/storable-text.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { EventDraft } from './draft.ts';

/** Relations of other types have no effect: they are longer than an event type may be, or no text that can be stored. */
function isRelationType(relType: string): boolean {
  return Buffer.byteLength(relType) <= EVENT_FIELD_BYTES_MAX && isStorable(relType);
}

/** The relation that an event's content declares: `m.relates_to` with a `rel_type` and an `event_id`. */
export function relationOf(event: {
  content: StoredEvent['content'];
  contentText?: string;
}): { relType: string; parent: string } | undefined {
  // Most events have none, and a long content takes long to parse.
  if (event.contentText?.includes('"m.relates_to"') === false) return undefined;
  const relates = event.content['m.relates_to'];
  if (!isObject(relates)) return undefined;
  const relType = asString(relates.rel_type);
  const parent = asString(relates.event_id);
  if (relType === undefined || parent === undefined || !isRelationType(relType)) return undefined;
  return { relType, parent };
}

/** A relation to an event that is in the same room. */
export interface Tie {
  /** The event that is related to. */
  readonly parent: number;
  readonly type: string;
  /** The type as a number of `names.ts`. */
  readonly relType: number;
}

/** How an event hangs together with others. */
export interface Ties {
  readonly own?: Tie | undefined;
  /** The relation of the event that it redacts. */
  readonly redacted?: Tie | undefined;
}

const NO_TIES: readonly Ties[] = [];

/** How drafts hang together with events of their room; a promise only if one does. */
export function tiesOf(
  deps: { readonly events: EventStore; readonly names: Names },
  room: number,
  drafts: readonly EventDraft[],
): readonly Ties[] | Promise<readonly Ties[]> {
  if (!drafts.some((draft) => draft.redacts !== undefined || relationOf(draft) !== undefined)) return NO_TIES;
  return Promise.all(
    drafts.map(async (draft) => ({
      own: await tieOf(deps, room, draft),
      redacted: draft.redacts && (await tieOf(deps, room, draft.redacts)),
    })),
  );
}

/** Relations to what is not in the room are not remembered. */
async function tieOf(
  deps: { readonly events: EventStore; readonly names: Names },
  room: number,
  event: { readonly content: StoredEvent['content'] },
): Promise<Tie | undefined> {
  const relation = relationOf(event);
  const parent = relation === undefined ? undefined : await deps.events.byId(relation.parent);
  if (relation === undefined || parent?.room !== room) return undefined;
  return { parent: parent.num, type: relation.relType, relType: await deps.names.reserve(relation.relType) };
}
