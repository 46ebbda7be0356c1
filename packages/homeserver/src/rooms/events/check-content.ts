import { privilegedCreators } from '@hearth/protocol/auth/creators.ts';
import { badAlias, duplicateAnnotation, invalidParam, unknown } from '@hearth/protocol/errors.ts';
import { parseRoomAlias } from '@hearth/protocol/identifiers/room-alias.ts';
import { asObject, asString, asStringArray, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../../storage/rooms/events/relation-store.ts';
import type { Aliases } from '../aliases.ts';
import { type Head, type StateKeyPair, toAuthEvent } from '../head.ts';
import { relationOf } from './relations.ts';

/** Returns the aliases that a canonical alias event names. @throws MatrixError M_INVALID_PARAM */
export function aliasesIn(content: JsonObject): string[] {
  const alternatives = content.alt_aliases === undefined ? [] : asStringArray(content.alt_aliases);
  if (alternatives === undefined) throw invalidParam('alt_aliases must be a list of aliases');
  const main = content.alias === undefined || content.alias === null ? [] : [content.alias];
  return [...main, ...alternatives].flatMap((alias) => {
    if (alias === '') return [];
    if (typeof alias === 'string' && parseRoomAlias(alias) !== undefined) return [alias];
    throw invalidParam(`${JSON.stringify(alias)} is not a valid room alias`);
  });
}

interface Sent {
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
}

/** A relation that the server checks before it accepts the event. */
export interface CheckedRelation {
  readonly relType: 'm.annotation' | 'm.thread';
  readonly parent: string;
}

/** Returns the relation of an event if {@link ContentChecks.checkRelation} has something to check. */
export function checkedRelation(sent: Sent): CheckedRelation | undefined {
  const relation = relationOf(sent);
  const relType = relation?.relType;
  if (relation === undefined || (relType !== 'm.annotation' && relType !== 'm.thread')) return undefined;
  return { relType, parent: relation.parent };
}

/** Checks of events that clients send, besides the authorisation rules. */
export class ContentChecks {
  readonly #names: Names;
  readonly #events: EventStore;
  readonly #relations: RelationStore;
  readonly #aliases: Aliases;

  constructor(names: Names, events: EventStore, relations: RelationStore, aliases: Aliases) {
    this.#names = names;
    this.#events = events;
    this.#relations = relations;
    this.#aliases = aliases;
  }

  /** Checks a state event. @throws MatrixError M_BAD_ALIAS, M_INVALID_PARAM */
  async checkState(head: Head, [type, stateKey]: StateKeyPair, content: JsonObject): Promise<void> {
    if (stateKey !== '') return;
    if (type === 'm.room.create') throw invalidParam('A room is created only once');
    if (type === 'm.room.power_levels') await checkCreators(head, content);
    if (type === 'm.room.canonical_alias') await this.#checkCanonicalAlias(head, content);
    if (type === 'm.room.tombstone' && content.replacement_room === head.roomId) {
      throw invalidParam('A room cannot be replaced by itself');
    }
  }

  /**
   * Checks that new aliases of a room exist and point at it (client-server API, "m.room.canonical_alias").
   * @throws MatrixError M_BAD_ALIAS, M_INVALID_PARAM
   */
  async #checkCanonicalAlias(head: Head, content: JsonObject): Promise<void> {
    const known = (await head.state('m.room.canonical_alias'))?.content ?? {};
    const before = new Set([known.alias, ...(asStringArray(known.alt_aliases) ?? [])]);
    for (const alias of aliasesIn(content)) {
      if (before.has(alias)) continue;
      if ((await this.#aliases.find(alias))?.room !== head.num) throw badAlias(`${alias} does not point to this room`);
    }
  }

  /**
   * Checks an event that relates to another. A user cannot send the same reaction twice, and threads cannot begin
   * within threads (client-server API, "Event annotations and reactions", "Threading").
   * @throws MatrixError M_DUPLICATE_ANNOTATION, M_UNKNOWN
   */
  async checkRelation(sent: Sent, relation: CheckedRelation): Promise<void> {
    const parent = await this.#events.byId(relation.parent);
    if (parent === undefined) return;
    if (relation.relType === 'm.thread') {
      if (relationOf(parent) === undefined) return;
      throw unknown('The root of a thread must not relate to another event', 400);
    }
    const key = annotationKey(sent.content);
    const [relType, type, sender] = [
      await this.#names.num('m.annotation'),
      await this.#names.reserve(sent.type),
      await this.#names.reserve(sent.sender),
    ];
    const own = await this.#events.list(await this.#relations.bySender(parent.num, { relType, type, sender }));
    if (own.some(({ redactedBy, content }) => redactedBy === null && annotationKey(content) === key)) {
      throw duplicateAnnotation('You have already sent this reaction');
    }
  }
}

/**
 * Checks that power levels do not name a creator of the room, whose power is infinite (rooms/v12, "Authorisation rules").
 * @throws MatrixError M_INVALID_PARAM
 */
async function checkCreators(head: Head, content: JsonObject): Promise<void> {
  if (!head.version.creatorsPrivileged) return;
  const create = await head.state('m.room.create');
  const creators = create === undefined ? [] : privilegedCreators(toAuthEvent(create), head.version);
  const named = creators.find((userId) => Object.hasOwn(asObject(content.users) ?? {}, userId));
  if (named !== undefined) throw invalidParam(`The power levels must not name ${named}, a creator of the room`);
}

function annotationKey(content: JsonObject): string | undefined {
  return asString(asObject(content['m.relates_to'])?.key);
}
