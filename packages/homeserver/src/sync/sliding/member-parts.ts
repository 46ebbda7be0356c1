import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { totalOf, type UnreadCounts } from '../../unread/unread-counts.ts';
import type { MemberSummaries } from '../gather/member-summaries.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly heads: Heads;
  readonly unread: UnreadCounts;
  readonly summaries: MemberSummaries;
}

/**
 * The members of a room's answer that have their value in a single state event, with its type and the field of its
 * content.
 */
const NAMING = [
  ['name', 'm.room.name', 'name'],
  ['avatar', 'm.room.avatar', 'url'],
] as const;

/** Renders the name, the member counts and the unread counts of a room (MSC4186, "Room results"). */
export class MemberParts {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders the room's name and avatar in a state, if they may have changed. */
  naming(lookups: Lookups, root: NodeRef | undefined, mayHaveChanged: (type: string) => boolean): string[] {
    if (root === undefined) return [];
    const { names, states, events } = this.#parts;
    const asked = NAMING.filter(([, type]) => mayHaveChanged(type));
    const texts = lookups.each(asked, ([name, eventType, field]) => {
      const [type = 0, stateKey = 0] = lookups.all(names.wellKnownSource, [eventType, '']);
      const num = lookups.get(states.placeSource, { root, type, stateKey });
      const value = num === undefined ? undefined : lookups.get(events.source, num)?.content[field];
      return typeof value === 'string' && value !== '' ? `"${name}":${JSON.stringify(value)}` : '';
    });
    return texts.filter((text) => text !== '');
  }

  /** Renders the fields that only the joined members of a room get. */
  counts(
    lookups: Lookups,
    user: { readonly num: number; readonly id: string },
    row: MembershipRow,
    mayHaveMoved: boolean,
  ): string[] {
    const head = lookups.get(this.#parts.heads.source, row.room);
    if (head === undefined) return [];
    const [unread, heroes] = lookups.both(
      () => totalOf(lookups.get(this.#parts.unread.source, { user, head, row })),
      () => (mayHaveMoved ? this.#heroes(lookups, head, user.num) : []),
    );
    const parts = [`"notification_count":${unread.notifications}`, `"highlight_count":${unread.highlights}`];
    if (!mayHaveMoved) return parts;
    parts.push(`"joined_count":${head.stored.joined}`, `"invited_count":${head.stored.invited}`);
    if (heroes.length > 0) parts.push(`"heroes":${JSON.stringify(heroes)}`);
    return parts;
  }

  #heroes(lookups: Lookups, head: Head, user: number): JsonObject[] {
    const { heads, names, summaries } = this.#parts;
    const users = summaries.heroes(lookups, head, user) ?? [];
    return lookups.each(lookups.all(names.textSource, users), (userId) => {
      const event = lookups.get(heads.stateSource, { head, type: 'm.room.member', stateKey: userId });
      const content = event?.content;
      const { displayname, avatar_url } = isObject(content) ? content : {};
      return {
        user_id: userId,
        ...(typeof displayname === 'string' ? { displayname } : {}),
        ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
      };
    });
  }
}
