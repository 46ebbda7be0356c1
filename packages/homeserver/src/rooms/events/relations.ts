import { EVENT_FIELD_BYTES_MAX } from '@hearth/protocol/events/size.ts';
import { asString, isObject } from '@hearth/protocol/json/value.ts';
import type { Names } from '../../storage/engine/names.ts';
import { isStorable } from '../../storage/engine/storable-text.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { EventDraft } from './draft.ts';

/** Returns whether a relation type can be stored. Relations of other types have no effect. */
function isRelationType(relType: string): boolean {
  return Buffer.byteLength(relType) <= EVENT_FIELD_BYTES_MAX && isStorable(relType);
}

interface WithContent {
  readonly content: StoredEvent['content'];
  readonly contentText?: string;
}

/** The relation type and the id of the event to which the relation points. */
export interface NamedRelation {
  readonly relType: string;
  readonly parent: string;
}

/** The relation types that only `m.relates_to` can have. The specification gives them effects on the parent. */
const ONLY_RELATES_TO: ReadonlySet<string> = new Set(['m.annotation', 'm.replace', 'm.thread']);

/** Returns the relation in the content of an event: `m.relates_to` with a `rel_type` and an `event_id`. */
export function relationOf(event: WithContent): NamedRelation | undefined {
  return relationIn(event, 'm.relates_to');
}

/** Returns the same as {@link relationOf}, for events without that relation the one in `m.relationship` (MSC2836). */
export function relationshipOf(event: WithContent): NamedRelation | undefined {
  const relation = relationOf(event);
  if (relation !== undefined) return relation;
  const relationship = relationIn(event, 'm.relationship');
  return relationship === undefined || ONLY_RELATES_TO.has(relationship.relType) ? undefined : relationship;
}

function relationIn({ content, contentText }: WithContent, key: string): NamedRelation | undefined {
  // The search avoids parsing the content of the many events without a relation.
  if (contentText?.includes(`"${key}"`) === false) return undefined;
  const relates = content[key];
  if (!isObject(relates)) return undefined;
  const relType = asString(relates.rel_type);
  const parent = asString(relates.event_id);
  if (relType === undefined || parent === undefined || !isRelationType(relType)) return undefined;
  return { relType, parent };
}

/** A relation to an event of the same room. */
export interface EventRelation {
  /** The number of the event to which the relation points. */
  readonly parent: number;
  readonly type: string;
  /** The number of the type in `names.ts`. */
  readonly relType: number;
}

/** The relations that the acceptance of a draft changes. */
export interface DraftRelations {
  /** The relation of the draft itself. */
  readonly own?: EventRelation | undefined;
  /** The relation of the event that the draft redacts. */
  readonly redacted?: EventRelation | undefined;
}

const NO_RELATIONS: readonly DraftRelations[] = [];

/** Loads the relations of drafts to events of their room, as a promise only if there may be one. */
export function loadRelations(
  deps: { readonly events: EventStore; readonly names: Names },
  room: number,
  drafts: readonly EventDraft[],
): readonly DraftRelations[] | Promise<readonly DraftRelations[]> {
  if (!drafts.some((draft) => draft.redacts !== undefined || relationshipOf(draft) !== undefined)) return NO_RELATIONS;
  return Promise.all(
    drafts.map(async (draft) => ({
      own: await relationInRoom(deps, room, draft),
      redacted: draft.redacts && (await relationInRoom(deps, room, draft.redacts)),
    })),
  );
}

/** Returns the relation of an event; undefined if it points to an event outside the room. */
async function relationInRoom(
  deps: { readonly events: EventStore; readonly names: Names },
  room: number,
  event: { readonly content: StoredEvent['content'] },
): Promise<EventRelation | undefined> {
  const relation = relationshipOf(event);
  const parent = relation === undefined ? undefined : await deps.events.byId(relation.parent);
  if (relation === undefined || parent?.room !== room) return undefined;
  return { parent: parent.num, type: relation.relType, relType: await deps.names.reserve(relation.relType) };
}
