import { limitExceeded, serviceUnavailable } from '@hearth/protocol/errors.ts';
import { KeyedSlots } from '../platform/concurrency/keyed-slots.ts';
import { NoSlot } from '../platform/concurrency/slots.ts';
import { Fenced } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { type BuiltEvent, decidingState } from './events/build.ts';
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

/** The approvals by policy servers that events of this server need before they are accepted. */
export interface Approvals {
  /** Returns whether events of a room need an approval, as a promise only if something has to be loaded. */
  areNeeded(head: Head): boolean | Promise<boolean>;
  /** Returns the drafts with the approvals of the events that were built from them. @throws MatrixError */
  of(head: Head, drafts: readonly EventDraft[], built: readonly BuiltEvent[]): Promise<readonly EventDraft[]>;
}

/** The number of times that an approval is requested while other servers change the room. */
const APPROVALS_MAX = 20;
/** The number of requests that wait while an event of the same room is approved. */
const APPROVALS_OF_ROOM = { running: 1, waiting: 100 };
const RETRY_AFTER_MS = 1_000;

/** Accepts the events that users of this server send. */
export class Acceptor {
  readonly #parts: AcceptorParts;
  #approvals: Approvals | undefined;
  /** An approval is for one place in the graph, so that events of one room are approved one after the other. */
  readonly #approving = new KeyedSlots<number>(APPROVALS_OF_ROOM);

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
  }

  /** Requires approvals from now on. */
  require(approvals: Approvals): void {
    this.#approvals = approvals;
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
    const { names } = this.#parts;
    const related: (readonly DraftRelations[])[] = [];
    for (const { head, drafts } of parts) {
      // The relations are awaited only if they have to be loaded.
      const found = loadRelations(this.#parts, head.num, drafts);
      related.push(found instanceof Promise ? await found : found);
      const interned = intern(names, drafts);
      if (interned !== undefined) await interned;
    }
    await load(parts);
    for (const part of parts) {
      const isNeeded = this.#needsApproval(part);
      if (isNeeded === true || (isNeeded !== false && (await isNeeded)))
        return this.#inTurn(part.head, () => this.#acceptApproved(parts, part, related));
    }
    return this.#decide(parts, related);
  }

  #needsApproval({ head, isNew }: Part): boolean | Promise<boolean> {
    return isNew !== true && this.#approvals !== undefined && this.#approvals.areNeeded(head);
  }

  async #inTurn<T>(head: Head, task: () => Promise<T>): Promise<T> {
    try {
      return await this.#approving.run(head.num, task);
    } catch (error) {
      if (error instanceof NoSlot)
        throw limitExceeded(RETRY_AFTER_MS, 'Too many events wait for the policy server of the room');
      throw error;
    }
  }

  /**
   * Accepts events of which those of one part need an approval. The room may change during the request, and the approved
   * event then no longer follows its last events; so the request is repeated.
   */
  async #acceptApproved(
    parts: readonly Part[],
    part: Part,
    related: readonly (readonly DraftRelations[])[],
  ): Promise<StoredEvent[]> {
    const { head } = part;
    for (let count = 0; count < APPROVALS_MAX; count += 1) {
      await load(parts);
      const { row } = head;
      if (head.isAbandoned || part.basis?.holds(head) === false) return this.#decide(parts, related);
      const built = this.#parts.decider.preview(head, part.drafts);
      const drafts = (await this.#approvals?.of(head, part.drafts, built)) ?? part.drafts;
      await load(parts);
      if (head.row === row) return this.#decide(parts.with(parts.indexOf(part), { ...part, drafts }), related);
    }
    throw serviceUnavailable(RETRY_AFTER_MS, 'The room changes faster than its policy server answers');
  }

  /** Decides and stores events. All state that decides about them is loaded. */
  async #decide(parts: readonly Part[], related: readonly (readonly DraftRelations[])[]): Promise<StoredEvent[]> {
    if (parts.some(({ head }) => head.isAbandoned)) throw new Fenced('the head of the room was abandoned');
    if (parts.some(({ basis, head }) => basis?.holds(head) === false)) return [];
    // From here to the commit there is no await, so that the head cannot change between the decision and its replacement.
    const { decider } = this.#parts;
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
    const changes = decided.flatMap((part) => [...eventChanges(part), ...(part.also?.changes ?? [])]);
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

/** Returns the changes to announce for decided events. */
function eventChanges({ head, events, effects }: Decided): Change[] {
  const moved = Map.groupBy(effects.memberships, ({ position }) => position);
  return events.map(({ num }) => {
    const change = { kind: 'event', position: num, room: head.num, event: num } as const;
    const users = moved.get(num)?.map(({ user }) => user);
    return users === undefined ? change : { ...change, moved: users };
  });
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
