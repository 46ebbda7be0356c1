import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EarlyReferences } from '../../storage/rooms/events/early-references.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import { powersIn } from '../powers.ts';
import type { Effects, EventEffects } from './effects.ts';
import { relationshipOf } from './relations.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly references: EarlyReferences;
}

/** An event that arrived before the event to which it refers: a redaction, or a child with its relation. */
export interface EarlyEvent {
  readonly event: StoredEvent;
  /** Absent for a redaction. */
  readonly relation?: { readonly type: string; readonly relType: number };
}

const NONE: readonly EarlyEvent[] = [];

/** Finds the events that arrived before those to which they refer, when the latter arrive. */
export class EarlyEvents {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the events that refer to some events of a room and take effect, by the ids of the latter. */
  async of(head: Head, targets: readonly StoredEvent[]): Promise<ReadonlyMap<string, readonly EarlyEvent[]>> {
    const { events, references } = this.#parts;
    const nums = await references.of(targets.map(({ eventId }) => eventId));
    const found = new Map<string, EarlyEvent[]>();
    if (nums.size === 0) return found;
    const loaded = await events.load([...nums.values()].flat());
    for (const target of targets) {
      const referring = (nums.get(target.eventId) ?? []).flatMap((num) => loaded.get(num) ?? []);
      const early = await Promise.all(referring.map((event) => this.#early(head, event, target)));
      found.set(target.eventId, early.flat());
    }
    return found;
  }

  async #early(head: Head, event: StoredEvent, target: StoredEvent): Promise<readonly EarlyEvent[]> {
    if (event.room !== head.num) return NONE;
    if (event.redacts === target.eventId) return (await mayRedact(head, event, target)) ? [{ event }] : NONE;
    const relation = event.redactedBy === null ? relationshipOf(event) : undefined;
    if (relation?.parent !== target.eventId) return NONE;
    return [
      { event, relation: { type: relation.relType, relType: await this.#parts.names.reserve(relation.relType) } },
    ];
  }

  /** Returns the id of the event that an event redacts or to which it is related, if this server does not have it. */
  async awaitedBy(event: StoredEvent): Promise<string | undefined> {
    const target = event.redacts ?? relationshipOf(event)?.parent;
    return target === undefined || (await this.#parts.events.byId(target)) !== undefined ? undefined : target;
  }
}

/** Adds the effects of early events on the event to which they refer. */
export function addEarlyEvents(
  early: readonly EarlyEvent[],
  target: StoredEvent,
  head: Head,
  { all, effects }: { readonly all: EventEffects; readonly effects: Effects },
): void {
  for (const { event, relation } of early) {
    if (relation === undefined) all.addRedaction(event, { target, relation: undefined }, head, effects);
    else all.addRelation(event, { ...relation, parent: target.num }, effects);
  }
}

/** Returns the numbers of the names that the effects of early events need. */
export function namesOfEarly(early: readonly EarlyEvent[]): number[] {
  return early.flatMap(({ relation }) => relation?.relType ?? []);
}

/**
 * Returns whether a redaction takes effect: its sender has the power to redact or is of the server of the target's
 * sender (rooms/v3, "Handling redactions").
 */
export async function mayRedact(head: Head, redaction: StoredEvent, target: StoredEvent): Promise<boolean> {
  if (domainOf(redaction.sender) === domainOf(target.sender)) return true;
  const powers = await powersIn(head);
  return powers.of(redaction.sender) >= powers.to('redact');
}
