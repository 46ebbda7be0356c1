import { Fenced } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { decidingState } from './events/build.ts';
import type { AcceptOptions, Decided, Decider, Part } from './events/decide.ts';
import type { EventDraft } from './events/draft.ts';
import type { EventEffects } from './events/effects.ts';
import { type DraftRelations, loadRelations } from './events/relations.ts';
import type { Head } from './head.ts';
import type { Heads } from './heads.ts';

interface AcceptorParts {
  readonly names: Names;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly decider: Decider;
  readonly effects: EventEffects;
}

/** Accepts the events that users of this server send. */
export class Acceptor {
  readonly #parts: AcceptorParts;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
  }

  /**
   * Accepts events of one room: authorises the drafts against the room's head, in order, advances the head and stores
   * everything in one transaction, all or nothing. Resolves when that is on disk and announced. If another writer has
   * advanced the room in the meantime, everything is decided once more, on the current head.
   * @throws MatrixError M_FORBIDDEN if the rules refuse one of the events; Fenced if the room was advanced again
   */
  async accept(head: Head, drafts: readonly EventDraft[], options: AcceptOptions = {}): Promise<StoredEvent[]> {
    try {
      return await this.acceptTogether([{ ...options, head, drafts }]);
    } catch (error) {
      if (!(error instanceof Fenced) || options.isNew === true) throw error;
      const current = await this.#parts.heads.byNum(head.num);
      if (current === undefined) throw error;
      return this.acceptTogether([{ ...options, head: current, drafts }]);
    }
  }

  /**
   * Accepts events of several rooms in one transaction, as {@link accept} does for one. Returns the events of all parts;
   * none, and stores nothing, if the basis of a part no longer holds.
   * @throws MatrixError M_FORBIDDEN; Fenced if another writer has advanced one of the rooms
   */
  async acceptTogether(parts: readonly Part[]): Promise<StoredEvent[]> {
    const { names, decider } = this.#parts;
    const related: (readonly DraftRelations[])[] = [];
    for (const { head, drafts } of parts) {
      // The relations are awaited only if they have to be loaded.
      const found = loadRelations(this.#parts, head.num, drafts);
      related.push(found instanceof Promise ? await found : found);
      const interned = intern(names, drafts);
      if (interned !== undefined) await interned;
    }
    await load(parts);
    if (parts.some(({ head }) => head.isAbandoned)) throw new Fenced('the head of the room was abandoned');
    if (parts.some(({ basis, head }) => basis?.holds(head) === false)) return [];
    // From here to the commit there is no await, so that the head cannot change between the decision and its replacement.
    const decided: Decided[] = [];
    try {
      for (const [i, part] of parts.entries()) decided.push(decider.decide(part, related[i] ?? [], decided));
    } catch (error) {
      for (const part of decided.reverse()) decider.undo(part);
      throw error;
    }
    const pending = this.commit(decided);
    for (const { head } of decided) head.pending = pending;
    await pending;
    return decided.flatMap(({ events }) => events);
  }

  /**
   * Repeats a decision on a room until its basis holds at the write. Each attempt gets the head as it is then: one that
   * the cache has dropped after a failed commit would never hold.
   * @param attempt accepts events with a basis; returns `undefined` when the basis no longer holds
   */
  async untilAccepted<T>(head: Head, attempt: (current: Head) => Promise<T | undefined>): Promise<T> {
    for (let current = head; ; current = (await this.#parts.heads.byNum(head.num)) ?? head) {
      const accepted = await attempt(current);
      if (accepted !== undefined) return accepted;
    }
  }

  /**
   * Stores decided events. The caller calls it without an `await` after the decision. Guards come first, because a
   * statement after a failed one may fail because of it.
   * @throws Fenced if another writer has advanced one of the rooms
   */
  async commit(decided: readonly Decided[]): Promise<void> {
    const { stream, heads, events: store } = this.#parts;
    const writes = [...decided.flatMap(({ guards }) => guards), ...decided.flatMap((part) => part.writes)];
    const changes = decided.flatMap(({ head, events, also }) => [
      ...events.map(({ num }): Change => ({ kind: 'event', position: num, room: head.num, event: num })),
      ...(also?.changes ?? []),
    ]);
    try {
      await stream.commit(writes, changes, () => {
        for (const part of decided) this.#committed(part);
      });
    } catch (error) {
      for (const { head, events } of decided) {
        // All events that were decided on this head depend on the lost events, and fail at the fence.
        heads.drop(head);
        store.forget(events.map(({ num }) => num));
      }
      throw error;
    }
  }

  /** Updates caches after the commit. */
  #committed({ head, row, events, effects, also }: Decided): void {
    head.stored = row;
    this.#parts.events.stored(events);
    this.#parts.effects.committed(head, effects);
    also?.committed();
  }
}

/** Reserves a number for every name in the drafts; names are stored with the events. */
function intern(names: Names, drafts: readonly EventDraft[]): Promise<unknown> | undefined {
  const texts = drafts.flatMap(({ type, stateKey, sender }) =>
    stateKey === undefined ? [type, sender] : [type, sender, stateKey],
  );
  return texts.some((text) => names.cachedNum(text) === undefined) ? names.reserveAll(texts) : undefined;
}

/** Loads the state that decides about the drafts, and that they replace. */
async function load(parts: readonly Part[]): Promise<void> {
  for (;;) {
    const loading = parts.map(loadPart).filter((promise) => promise !== undefined);
    if (loading.length === 0) return;
    await Promise.all(loading);
  }
}

function loadPart({ head, drafts, basis }: Part): Promise<void> | undefined {
  const keys = drafts.flatMap((draft) => [
    ...decidingState(draft, head),
    ...(draft.stateKey === undefined ? [] : [[draft.type, draft.stateKey] as const]),
  ]);
  return head.ensure(basis === undefined ? keys : [...keys, ...basis.keys]);
}
