import { notFound } from '@hearth/protocol/errors.ts';
import { concat, type Text } from '../../platform/long-text.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../../storage/rooms/events/relation-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { relationshipOf } from '../events/relations.ts';
import {
  CHILDREN_MAX,
  childrenSummary,
  type RelationshipQuery,
  type RelationshipSource,
  walkRelationships,
} from '../events/relationship-walk.ts';
import type { AuthChains } from '../graph/auth-chains.ts';
import type { Head } from '../head.ts';
import type { AskingServers } from './asking-servers.ts';
import type { HeavyRequests } from './heavy-requests.ts';
import type { PduTexts } from './pdu-texts.ts';
import type { ServerVisibility } from './server-visibility.ts';

interface RelationshipsParts {
  readonly asking: AskingServers;
  readonly events: EventStore;
  readonly relations: RelationStore;
  readonly authChains: AuthChains;
  readonly visibility: ServerVisibility;
  readonly texts: PduTexts;
  readonly heavy: HeavyRequests;
}

/** Serves the events to which an event is related to other servers (MSC2836). */
export class ServedRelationships {
  readonly #parts: RelationshipsParts;

  constructor(parts: RelationshipsParts) {
    this.#parts = parts;
  }

  /**
   * Returns the events to which an event is related and their auth chains, as JSON text. Only events of this server's
   * timeline that the asking server may read are visited, and no other server is asked.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_LIMIT_EXCEEDED
   */
  async around(server: string, eventId: string, query: RelationshipQuery): Promise<Text> {
    const { asking, events, authChains, texts, heavy } = this.#parts;
    const known = await events.byId(eventId);
    if (known === undefined) throw notFound('There is no such event');
    const head = await asking.inRoom(known.roomId, server);
    const source = new ServedSource(this.#parts, server, head);
    return heavy.run(async () => {
      const [first] = await source.readable([known]);
      if (first === undefined) throw notFound('There is no such event');
      const { events: found, limited } = await walkRelationships(first, query, source);
      const pdus = await texts.of(head.version, found);
      const summaries = await source.summaries(found);
      const answered = pdus.map((pdu, i) => `${pdu.slice(0, -1)},"unsigned":{${summaries[i] ?? ''}}}`);
      const chain = texts.later(head.version, [...(await authChains.chain(found.map(({ num }) => num)))]);
      return concat(`{"events":[${answered.join(',')}],"limited":${limited},"auth_chain":[`, chain, ']}');
    });
  }
}

/** The relations between the events of one room that a server may read, for one request. */
class ServedSource implements RelationshipSource {
  readonly #parts: Pick<RelationshipsParts, 'events' | 'relations' | 'visibility'>;
  readonly #server: string;
  readonly #head: Head;

  constructor(parts: Pick<RelationshipsParts, 'events' | 'relations' | 'visibility'>, server: string, head: Head) {
    this.#parts = parts;
    this.#server = server;
    this.#head = head;
  }

  async parent(event: StoredEvent): Promise<StoredEvent | undefined> {
    const relation = relationshipOf(event);
    const parent = relation === undefined ? undefined : await this.#parts.events.byId(relation.parent);
    return parent === undefined ? undefined : (await this.readable([parent]))[0];
  }

  async children({ num }: StoredEvent): Promise<readonly StoredEvent[]> {
    const range = { after: 0, before: Number.MAX_SAFE_INTEGER, backwards: true, limit: CHILDREN_MAX };
    return this.readable(await this.#parts.events.list(await this.#parts.relations.page([num], {}, range)));
  }

  /** Returns the summaries of the children of events, in the same order. */
  async summaries(events: readonly StoredEvent[]): Promise<string[]> {
    const summaries: string[] = [];
    for (const event of events) summaries.push(childrenSummary(await this.children(event)));
    return summaries;
  }

  /** Returns the events of the timeline of the room that the server may read. */
  async readable(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const placed = events.filter(({ room, seq }) => room === this.#head.num && seq !== null);
    const hidden = await this.#parts.visibility.hiddenFrom(this.#server, this.#head, placed);
    return placed.filter(({ num }) => !hidden.has(num));
  }
}
