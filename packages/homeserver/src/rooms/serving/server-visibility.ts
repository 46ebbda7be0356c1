import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { type HistoryVisibility, historyVisibility, serverMayRead } from '@hearth/protocol/visibility/visibility.ts';
import { slicesOf } from '../../platform/concurrency/in-slices.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { MemberOfServer, MembershipStore } from '../../storage/rooms/membership-store.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import type { ErasedUsers } from '../../users/erased-users.ts';
import { membershipOf } from '../events/effects.ts';
import { snapshotBefore } from '../graph/graph-states.ts';
import type { Head } from '../head.ts';

interface VisibilityParts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly memberships: MembershipStore;
  readonly erasedUsers: Pick<ErasedUsers, 'has'>;
}

/** The number of users whose memberships are looked up together. Most servers have few users in a room. */
const USERS_AT_ONCE = 50;

/** The state before some events, and its history visibility. */
interface StateBefore {
  readonly root: NodeRef;
  readonly visibility: HistoryVisibility;
}

/** Determines the events of a room that a server may read (client-server API, "Room History Visibility"). */
export class ServerVisibility {
  readonly #parts: VisibilityParts;

  constructor(parts: VisibilityParts) {
    this.#parts = parts;
  }

  /**
   * Returns the numbers of those events that a server gets only redacted: its users could not read them, or their sender
   * is erased and the server was not in the room.
   */
  async hiddenFrom(server: string, head: Head, events: readonly StoredEvent[]): Promise<ReadonlySet<number>> {
    const hidden = new Set<number>();
    const states = await this.#statesBefore(events);
    const asked = new AskedMemberships(this.#parts, head, server);
    for (const event of events) {
      const before = states.get(event.num);
      if (before === undefined || !(await this.#isShown(event, before, asked))) hidden.add(event.num);
    }
    return hidden;
  }

  /** Returns the numbers of those events that everybody may read. */
  async worldReadable(events: readonly StoredEvent[]): Promise<ReadonlySet<number>> {
    const states = await this.#statesBefore(events);
    const readable = events.filter((event) => {
      const before = states.get(event.num)?.visibility;
      return before !== undefined && (before === 'world_readable' || visibilityAfter(event) === 'world_readable');
    });
    return new Set(readable.map(({ num }) => num));
  }

  /**
   * Returns whether a server that was in a room may know each of some events: its users were in the room before the event, or
   * their memberships have changed with it or later. The resolution of states may change a membership with any event.
   */
  async wasInRoom(server: string, head: Head, events: readonly StoredEvent[]): Promise<boolean> {
    const asked = new AskedMemberships(this.#parts, head, server);
    const left = await asked.lastChange();
    // The server of a user gets every event that changes the user's membership.
    const later = events.filter((event) => event.num > left && asked.after(event).length === 0);
    // The server was sent the event if it was in the room according to the timeline here.
    const roots = await this.#parts.states.snapshots(later.flatMap((event) => [snapshotBefore(event), event.snapshot]));
    for (const event of later) {
      let isThere = false;
      for (const num of new Set([snapshotBefore(event), event.snapshot])) {
        const root = roots.get(num);
        isThere ||= root !== undefined && (await asked.before(root)).includes('join');
      }
      if (!isThere) return false;
    }
    return true;
  }

  async #isShown(event: StoredEvent, { root, visibility }: StateBefore, asked: AskedMemberships): Promise<boolean> {
    const isErased = this.#parts.erasedUsers.has(event.senderNum);
    if (!isErased && serverMayRead(visibility, [])) return true;
    const memberships = [...asked.after(event), ...(await asked.before(root))];
    if (isErased) return memberships.includes('join');
    if (serverMayRead(visibility, memberships)) return true;
    // The more permissive of the values before and after the event counts.
    const after = visibilityAfter(event);
    return after !== undefined && serverMayRead(after, memberships);
  }

  /** Returns the states before events by the graph, by the events' numbers. Those of outliers are not known. */
  async #statesBefore(events: readonly StoredEvent[]): Promise<ReadonlyMap<number, StateBefore>> {
    const { names, states, events: store } = this.#parts;
    const placed = events.filter(({ standing }) => standing !== STANDING.outlier);
    const roots = await states.snapshots(placed.map(snapshotBefore));
    const distinct = [...new Map(Array.from(roots.values(), (root) => [root.hash, root])).values()];
    const key = { type: await names.num('m.room.history_visibility'), stateKey: await names.num('') };
    const found = await states.lookupMany(distinct, [key]);
    const loaded = await store.load(found.flat().filter((num) => num !== undefined));
    const visibilities = new Map(
      distinct.map(({ hash }, i) => {
        const content = loaded.get(found[i]?.[0] ?? -1)?.content;
        return [hash, historyVisibility(content?.history_visibility)] as const;
      }),
    );
    return new Map(
      placed.flatMap((event) => {
        const root = roots.get(snapshotBefore(event));
        return root === undefined
          ? []
          : [[event.num, { root, visibility: visibilities.get(root.hash) ?? 'shared' }] as const];
      }),
    );
  }
}

/** The memberships of one server's users in a room, for one request. */
class AskedMemberships {
  readonly #parts: VisibilityParts;
  readonly #head: Head;
  readonly #server: string;
  readonly #answers = new Map<string, readonly string[]>();
  #members: readonly MemberOfServer[] | undefined;

  constructor(parts: VisibilityParts, head: Head, server: string) {
    this.#parts = parts;
    this.#head = head;
    this.#server = server;
  }

  /** Returns the membership that an event gives to a user of the server, as a list. */
  after(event: StoredEvent): string[] {
    if (event.type !== 'm.room.member' || domainOf(event.stateKey ?? '') !== this.#server) return [];
    return [membershipOf(event)];
  }

  /** Returns the memberships of the server's users in a state. It stops at a user who has joined. */
  async before(root: NodeRef): Promise<readonly string[]> {
    const known = this.#answers.get(root.hash);
    if (known !== undefined) return known;
    const { names, states, events } = this.#parts;
    const found = new Set<string>();
    const type = await names.num('m.room.member');
    for (const some of slicesOf(await this.#membersOfServer(), { count: USERS_AT_ONCE }, () => 0)) {
      const keys = some.map(({ user }) => ({ type, stateKey: user }));
      const [nums = []] = await states.lookupMany([root], keys);
      const members = await events.list(nums.filter((num) => num !== undefined));
      for (const member of members) found.add(membershipOf(member));
      if (found.has('join')) break;
    }
    this.#answers.set(root.hash, [...found]);
    return [...found];
  }

  /** Returns the position of the latest change of the membership of a user of the server; 0 without one. */
  async lastChange(): Promise<number> {
    const members = await this.#membersOfServer();
    return members.reduce((latest, { position }) => Math.max(latest, position), 0);
  }

  /**
   * Returns the users of the server who are or were in the room, those who have joined first. They include users whose
   * member event the resolution of states has removed.
   */
  async #membersOfServer(): Promise<readonly MemberOfServer[]> {
    if (this.#members !== undefined) return this.#members;
    const all = await this.#parts.memberships.ofServer(this.#head.num, this.#server);
    const [joined, others] = [all.filter(isJoined), all.filter((member) => !isJoined(member))];
    this.#members = [...joined, ...others];
    return this.#members;
  }
}

function isJoined({ membership }: MemberOfServer): boolean {
  return membership === 'join';
}

function visibilityAfter({ type, stateKey, content }: StoredEvent): HistoryVisibility | undefined {
  if (type !== 'm.room.history_visibility' || stateKey !== '') return undefined;
  return historyVisibility(content.history_visibility);
}
