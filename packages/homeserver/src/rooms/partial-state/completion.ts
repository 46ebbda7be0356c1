import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { nextTurn } from '../../platform/concurrency/in-slices.ts';
import type { Write } from '../../storage/engine/database.ts';
import { STANDING, StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';
import type { Acceptor } from '../accept.ts';
import { membershipOf, noEffects } from '../events/effects.ts';
import { endsMembership, type MemberEffects } from '../events/member-effects.ts';
import { type PduDeps, pdusOf } from '../events/pdu.ts';
import { type StateChange, stateChanges } from '../graph/state-changes.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { RemoteAppender } from '../receive/append.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { ExaminedEvent } from './examined-events.ts';
import type { PartialRoom, PartialStates } from './partial-states.ts';
import { Replay, type ReplayParts } from './replay.ts';
import { SnapshotNumbers } from './snapshot-numbers.ts';

interface Parts {
  readonly replaying: ReplayParts;
  readonly rooms: { readonly store: RoomStore; readonly heads: Heads; readonly servers: ServersInRooms };
  readonly partialStates: PartialStates;
  readonly acceptor: Acceptor;
  readonly members: MemberEffects;
  readonly appender: RemoteAppender;
  readonly pdus: PduDeps;
}

/** A rejected event that the whole state permits. */
interface RevivedEvent extends ExaminedEvent {
  /** Whether an event in the timeline follows it, so that it is no forward extremity. */
  readonly isFollowed: boolean;
}

/** The result of the completion of a state. */
export interface CompletedState {
  readonly head: Head;
  /** The number of events that were examined again, and of those whose acceptance has changed. */
  readonly examined: number;
  readonly corrected: number;
  /** The rejected events that the whole state permits. */
  readonly revived: readonly RevivedEvent[];
  /** The users who are not in the room, other than assumed before. */
  readonly left: readonly number[];
  /** Servers that are or were in the room and were not known to be, so that they have missed what this server sent. */
  readonly found: readonly string[];
  /** The number of the join after which they may have missed something. */
  readonly since: number;
}

/** Replaces the partial state of rooms by the whole one, in everything that was stored since the join. */
export class StateCompletion {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Completes the state of a room. The caller lets no other events of other servers be appended to it meanwhile.
   * @param whole the whole states before joins by which this server came into the room, by the numbers of the joins
   * @throws NotReceived if the rules reject the join by its whole state
   */
  async complete(room: number, partial: PartialRoom, whole: ReadonlyMap<number, BuiltState>): Promise<CompletedState> {
    const { rooms, replaying } = this.#parts;
    let head = await this.#headOf(room);
    let replay = await Replay.begin(replaying, head, partial, whole);
    for (;;) {
      await head.pending.catch(() => undefined);
      if (head.isAbandoned) {
        head = await this.#headOf(room);
        replay = await Replay.begin(replaying, head, partial, whole);
      }
      const isCurrent = await replay.extend();
      const seen = head.row;
      const changes = await stateChanges(replaying, seen.root, replay.timeline.root);
      const { extremities } = replay.timeline;
      const ends = await replaying.events.list(extremities);
      const known = await rooms.servers.of(head);
      if (!isCurrent || head.row !== seen || head.stored.fence !== seen.fence || head.isAbandoned) {
        await nextTurn();
        continue;
      }
      // From here to the commit there is no await, so that the head cannot change.
      const decided = this.#decide(head, replay, changes, ends);
      head.pending = decided.stored;
      await decided.stored;
      const found = await this.#found(head, replay, known, whole);
      const all = [...replay.examined.all()];
      const corrected = all.filter(isCorrected);
      const followed = replay.timeline.followed();
      const revived = corrected
        .filter(({ standing }) => standing !== STANDING.rejected)
        .map((one) => ({ ...one, isFollowed: followed.has(one.event.num) }));
      const left = changes.flatMap((change) => (endsMembership(change) ? change.stateKey : []));
      return {
        head,
        examined: all.length,
        corrected: corrected.length,
        revived,
        left,
        found,
        since: partial.joins[0]?.event ?? 0,
      };
    }
  }

  async #headOf(room: number): Promise<Head> {
    const head = await this.#parts.rooms.heads.byNum(room);
    if (head === undefined) throw new Error('a room with partial state has no row');
    return head;
  }

  /** Advances the head to the whole state and commits it. */
  #decide(
    head: Head,
    replay: Replay,
    changes: readonly StateChange[],
    ends: readonly StoredEvent[],
  ): { readonly stored: Promise<void> } {
    const { replaying, rooms, partialStates, acceptor, members } = this.#parts;
    const { events, stream } = replaying;
    const before = { row: head.row, extremities: head.extremities };
    const numbers = new SnapshotNumbers(() => stream.next());
    const changed = new Map<number, StoredEvent>();
    for (const one of replay.examined.all()) {
      const event = this.#replaced(replay, one, numbers);
      if (!isSame(event, one.event)) changed.set(event.num, event);
    }
    const position = stream.next();
    const effects = noEffects();
    const extremities = ends.map((event) => changed.get(event.num) ?? event);
    head.extremities = extremities;
    head.row = {
      ...before.row,
      snapshot: numbers.current,
      root: replay.timeline.root,
      extremities: extremities.map(({ num }) => num),
    };
    const last = extremities.at(-1);
    // Clients get the corrections as changes at this position, not at that of an event that they may have.
    if (last !== undefined) members.add(head, changes, { event: last, position }, effects);
    const row = { ...head.row, fence: before.row.fence + 1 };
    head.row = row;
    // Events that are no longer in the timeline leave holes in it.
    head.restart();
    const writes = [
      ...this.#snapshotWrites(head, numbers),
      ...Array.from(changed.values(), (event) => events.reconsider(event)),
      ...partialStates.endWrites(head.num, position),
      ...effects.writes,
    ];
    const moved = effects.memberships.map(({ user }) => user);
    const also = {
      changes: [{ kind: 'whole-state', position, room: head.num, moved } as const],
      committed: () => {
        for (const event of changed.values()) events.replace(event);
        partialStates.ended(head.num, position);
      },
    };
    const guards = [rooms.store.advance(row, before.row.fence)];
    return { stored: acceptor.commit([{ head, events: [], before, row, guards, writes, effects, also }]) };
  }

  #snapshotWrites(head: Head, numbers: SnapshotNumbers): Write[] {
    const { states } = this.#parts.replaying;
    return Array.from(numbers.roots, ([num, root]) => states.replaceSnapshot(num, head.num, root));
  }

  /** Returns an event with its standing and its states as they are with the whole state. */
  #replaced(replay: Replay, { event, standing, before }: ExaminedEvent, numbers: SnapshotNumbers): StoredEvent {
    const place = replay.timeline.at(event.num);
    if (place === undefined) {
      const snapshot = numbers.of(before);
      // An event that is accepted after all gets a new row at the end of the timeline.
      const outside = standing === STANDING.rejected ? STANDING.rejected : STANDING.softFailed;
      return withFields(event, { standing: outside, seq: null, snapshot, graphSnapshot: null, after: null });
    }
    const snapshot = event.isEntry ? numbers.of(place.before) : numbers.current;
    const graphSnapshot = before.hash === place.before.hash ? null : numbers.of(before);
    const isChanged = place.after.hash !== place.before.hash;
    if (isChanged) numbers.advance(event.num, place.after);
    else numbers.current = snapshot;
    const afterChanged = event.isState ? null : event.num;
    const afterUnchanged = event.isState ? snapshot : null;
    const after = isChanged ? afterChanged : afterUnchanged;
    return withFields(event, { snapshot, graphSnapshot, after, replaces: place.replaces });
  }

  /**
   * Gives rejected events that the whole state permits a place at the end of the timeline. The caller lets no other events of
   * other servers be appended to the room meanwhile.
   */
  async revive({ head, revived }: CompletedState): Promise<void> {
    const { pdus, appender, replaying } = this.#parts;
    // Revived events get rows of their own. Later ones among them follow those rows.
    const newNums = new Map<number, number>();
    const list = (nums: readonly number[]) => replaying.events.list(nums.map((num) => newNums.get(num) ?? num));
    for (const { event, before, prev, isFollowed } of revived) {
      const [pdu] = await pdusOf(pdus, head.version, [event]);
      const outlier = await replaying.events.one(event.num);
      const auth = (await replaying.events.authNums([event.num])).get(event.num) ?? [];
      if (pdu === undefined) continue;
      const appended = await appender.append(head, {
        incoming: { pdu, eventId: event.eventId, roomId: event.roomId },
        prev: await list(prev),
        missing: [],
        auth: await list(auth),
        before: { root: before, created: [] },
        isRejected: false,
        outlier,
        isFollowed,
      });
      newNums.set(event.num, appended.num);
    }
  }

  /** Returns the servers of users who are or were members, without those that were known to be in the room. */
  async #found(
    head: Head,
    replay: Replay,
    known: ReadonlySet<string>,
    whole: ReadonlyMap<number, BuiltState>,
  ): Promise<string[]> {
    const { rooms, replaying } = this.#parts;
    const servers = new Set(await rooms.servers.of(head));
    for (const one of replay.examined.all()) {
      const isMember = one.event.type === 'm.room.member' && (isCorrected(one) || membershipOf(one.event) === 'join');
      if (isMember) servers.add(domainOf(one.event.stateKey ?? '') ?? '');
    }
    for (const { root } of whole.values()) {
      for (const { after } of await stateChanges(replaying, replay.timeline.root, root)) {
        if (after?.type === 'm.room.member' && membershipOf(after) === 'join')
          servers.add(domainOf(after.stateKey ?? '') ?? '');
      }
    }
    return [...servers].filter((server) => server !== '' && server !== rooms.servers.serverName && !known.has(server));
  }
}

/** Returns whether an event was wrongly rejected, or wrongly not rejected, while the state was partial. */
function isCorrected({ event, standing }: ExaminedEvent): boolean {
  return (event.standing === STANDING.rejected) !== (standing === STANDING.rejected);
}

type Place = Pick<StoredEvent, 'standing' | 'seq' | 'snapshot' | 'graphSnapshot' | 'after' | 'replaces'>;
const PLACE = ['standing', 'seq', 'snapshot', 'graphSnapshot', 'after', 'replaces'] as const;

function withFields(event: StoredEvent, place: Partial<Place>): StoredEvent {
  return new StoredEvent(Object.assign({}, event, place), event.contentText, event.redactedBy);
}

function isSame(event: StoredEvent, before: StoredEvent): boolean {
  return PLACE.every((name) => event[name] === before[name]);
}
