import { forbidden, invalidParam, notFound } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LoadingCache } from '../platform/caches/loading-cache.ts';
import { RecentChanges } from '../platform/caches/recent-changes.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { complete, type Lookups } from '../platform/lookups/lookups.ts';
import { sanitiseText } from '../platform/sanitise-text.ts';
import type { Membership } from '../rooms/membership/membership-view.ts';
import { deleteOldPresence, deletePresence, putPresence, readPresence } from '../storage/accounts/presence.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import {
  aggregate,
  type DevicePresence,
  differs,
  NEVER_SEEN,
  PRESENCE_STATES,
  type PresenceState,
  presenceContent,
  STATUS_BYTES_MAX,
  type UserPresence,
} from './user-presence.ts';

interface Parts {
  readonly database: Database;
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly background: Background;
  readonly membership: Membership;
}

/** A cached presence, which is replaced as a whole with each change. */
interface CachedPresence {
  presence: UserPresence;
  /** The presence that was announced last. */
  announced: UserPresence;
  /** The devices that are connected. */
  readonly devices: Map<number, DevicePresence>;
  /** The time until which the presence of a user of another server is valid; undefined for users of this server. */
  remoteUntil?: number;
}

/** A device of a user. */
export interface PresentDevice {
  readonly user: number;
  readonly device: number;
}

const NOBODY: readonly number[] = [];
const CACHED_MAX = 50_000;
const RECENT_MAX = 20_000;
const SWEEP_EVERY_MS = 10_000;
/**
 * The interval in which changes are announced together, because each announcement wakes all users who share a room with
 * one of the users.
 */
const ANNOUNCE_EVERY_MS = 1_000;
/** The maximum time between two requests of a client before its user is offline. */
const GRACE_MS = 30_000;
/** The time for which a presence that was set is valid without a sync. */
const SET_FOR_MS = 5 * 60_000;
const FORGOTTEN_AFTER_MS = 30 * 24 * 60 * 60_000;
const FORGET_EVERY_MS = 24 * 60 * 60_000;

/**
 * The presence of users (client-server API, "Presence"). It is in memory; the last state and status message are stored
 * when they change.
 */
export class Presences {
  readonly #parts: Parts;
  readonly #known: LoadingCache<number, CachedPresence>;
  /** The users whose presence may change without a request. */
  readonly #connected = new Set<number>();
  readonly #recent: RecentChanges<number>;
  /** Users whose changes are announced together with the next ones. */
  readonly #pending = new Map<number, CachedPresence>();
  #announcedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#recent = new RecentChanges(RECENT_MAX, parts.stream.current);
    this.#known = new LoadingCache(CACHED_MAX, { bytesMax: cacheBytes(24), bytesOf: knownBytes }, (user) =>
      load(parts.database, user),
    );
    const forget = () => parts.database.commit([deleteOldPresence(parts.clock.now() - FORGOTTEN_AFTER_MS)]);
    parts.background.every(SWEEP_EVERY_MS, 'updating presence', () => this.#sweep());
    parts.background.every(FORGET_EVERY_MS, 'deleting old presence', forget);
  }

  /** Deletes the presence of a deactivated user, and announces that the user is offline. */
  async forget(user: number): Promise<void> {
    const known = await this.#known.get(user);
    known.devices.clear();
    await this.#change(user, known, NEVER_SEEN);
    await this.#announce();
    await this.#parts.database.commit([deletePresence(user)]);
  }

  /** Sets the presence of a device ("PUT /presence/{userId}/status"). @throws MatrixError M_INVALID_PARAM */
  async set({ user, device }: PresentDevice, state: PresenceState, statusMsg?: string | null): Promise<void> {
    if (Buffer.byteLength(statusMsg ?? '') > STATUS_BYTES_MAX) throw invalidParam('status_msg is too long');
    const known = await this.#known.get(user);
    const now = this.#parts.clock.now();
    const connectedUntil = Math.max(known.devices.get(device)?.connectedUntil ?? 0, now + SET_FOR_MS);
    if (state === 'offline') known.devices.delete(device);
    else known.devices.set(device, { state, activeTs: now, connectedUntil });
    const { statusMsg: before } = known.presence;
    const text = statusMsg === undefined ? before : sanitiseText(statusMsg ?? '', STATUS_BYTES_MAX) || null;
    const presence = { ...known.presence, statusMsg: text, activeTs: now };
    await this.#change(user, known, aggregate(known.devices.values(), presence, now));
    // A status message is on disk before its user is answered.
    if (text !== before) await this.#announce();
  }

  /**
   * Records a sync of a device with this `set_presence` for up to `timeoutMs`. It is cheap if the user's presence does
   * not change, for instance because the user is more active on another device.
   */
  async synced({ user, device }: PresentDevice, state: PresenceState, timeoutMs: number): Promise<void> {
    if (state === 'offline') return;
    const known = await this.#known.get(user);
    const now = this.#parts.clock.now();
    const before = known.devices.get(device);
    const activeTs = state === 'online' ? now : (before?.activeTs ?? 0);
    const connectedUntil = Math.max(before?.connectedUntil ?? 0, now + timeoutMs + GRACE_MS);
    known.devices.set(device, { state, activeTs, connectedUntil });
    await this.#change(user, known, aggregate(known.devices.values(), known.presence, now));
  }

  /** Records the presence of a user of another server, which is valid until a time unless the server repeats it. */
  async receive(user: number, presence: UserPresence, validUntil: number): Promise<void> {
    if (this.#connected.size >= CACHED_MAX && !this.#connected.has(user)) return;
    const known = await this.#known.get(user);
    known.remoteUntil = validUntil;
    await this.#change(user, known, presence);
  }

  /** Returns the presence of a user, for another user. @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async visibleTo(viewer: number, userId: string): Promise<JsonObject> {
    const user = await this.#parts.names.find(userId);
    if (user === undefined) throw notFound('The user does not exist');
    const content = await complete((lookups) => this.contentFor(lookups, viewer, user));
    if (content === undefined) throw forbidden('You are not allowed to see the presence of this user');
    return content;
  }

  /** Returns the content of a user's `m.presence` event, without a check of the viewer. */
  contentOf(lookups: Lookups, user: number): JsonObject {
    return presenceContent(lookups.get(this.#known.source, user).presence, this.#parts.clock.now());
  }

  /** Returns the content of a user's `m.presence` event for a viewer; undefined when they share no room. */
  contentFor(lookups: Lookups, viewer: number, user: number): JsonObject | undefined {
    const maySee = viewer === user || this.#parts.membership.sharesRoom(lookups, viewer, user);
    return maySee ? this.contentOf(lookups, user) : undefined;
  }

  /**
   * Returns the users whose presence changed after a position and who share a room with a viewer. If the changes are
   * not known, and for a first sync, returns the connected ones.
   */
  changedSince(lookups: Lookups, viewer: number, position: number | undefined): readonly number[] {
    const since = position !== undefined && this.#recent.covers(position) ? position : undefined;
    const count = since === undefined ? this.#connected.size : this.#recent.countSince(since);
    if (count === 0) return NOBODY;
    const rooms = this.#parts.membership.membersOfRooms(lookups, viewer);
    const memberCount = rooms.reduce((sum, members) => sum + members.size, 0);
    if (memberCount < count) {
      const isNews = (user: number) =>
        since === undefined ? this.#connected.has(user) : this.#recent.hasChanged(user, since);
      return [...new Set([viewer, ...rooms.flatMap((members) => [...members])])].filter(isNews);
    }
    const changed = since === undefined ? this.#connected : (this.#recent.groupsSince(since) ?? this.#connected);
    return [...changed].filter((user) => user === viewer || rooms.some((members) => members.has(user)));
  }

  /** Returns the given users who are connected. */
  present(users: Iterable<number>): number[] {
    return [...users].filter((user) => this.#connected.has(user));
  }

  /** Changes a presence and announces it at once, or together with others when the last announcement is recent. */
  async #change(user: number, known: CachedPresence, presence: UserPresence): Promise<void> {
    known.presence = presence;
    if (presence.state === 'offline') this.#connected.delete(user);
    else this.#connected.add(user);
    if (!differs(known.announced, presence)) {
      this.#pending.delete(user);
      return;
    }
    this.#pending.set(user, known);
    const { clock, background } = this.#parts;
    const waitMs = this.#announcedMs + ANNOUNCE_EVERY_MS - clock.elapsed();
    if (waitMs <= 0) return this.#announce();
    this.#timer ??= clock.after(waitMs, () => background.start('announcing presence', () => this.#announce()));
  }

  /** Announces all pending changes. */
  async #announce(): Promise<void> {
    const { stream, clock } = this.#parts;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#announcedMs = clock.elapsed();
    const writes: Write[] = [];
    const changes: (Change & { readonly kind: 'presence' })[] = [];
    for (const [user, known] of this.#pending) {
      const { announced: before, presence } = known;
      known.announced = presence;
      const isOwnEnd = presence.state === 'offline' && known.remoteUntil === undefined;
      const isStored = before.statusMsg !== presence.statusMsg || isOwnEnd;
      if (isStored) writes.push(putPresence(user, toRow(presence)));
      changes.push({ kind: 'presence', position: stream.next(), user });
    }
    this.#pending.clear();
    if (changes.length === 0) return;
    await stream.commit(writes, changes, () => {
      for (const { user, position } of changes) this.#recent.add(user, '', position, user);
    });
  }

  async #sweep(): Promise<void> {
    const now = this.#parts.clock.now();
    const changes: Promise<void>[] = [];
    for (const user of this.#connected) {
      const known = await this.#known.get(user);
      const next = presenceAt(known, now);
      if (differs(known.announced, next)) changes.push(this.#change(user, known, next));
    }
    await Promise.all(changes);
  }
}

/** Returns the presence of a user at a time. Devices that are not connected any more are removed. */
function presenceAt({ devices, presence, remoteUntil }: CachedPresence, now: number): UserPresence {
  if (remoteUntil !== undefined)
    return now > remoteUntil ? { ...presence, state: 'offline', currentlyActive: false } : presence;
  for (const [device, { connectedUntil }] of devices) if (now > connectedUntil) devices.delete(device);
  return aggregate(devices.values(), presence, now);
}

async function load(database: Database, user: number): Promise<CachedPresence> {
  const row = await readPresence(database, user);
  const devices = new Map<number, DevicePresence>();
  if (row === undefined) return { presence: NEVER_SEEN, announced: NEVER_SEEN, devices };
  // The server has been restarted since then, so the user counts as offline until the next request.
  const presence = { ...NEVER_SEEN, statusMsg: row.status_msg, activeTs: row.active_ts };
  return { presence, announced: presence, devices };
}

function toRow(presence: UserPresence) {
  return {
    state: PRESENCE_STATES.indexOf(presence.state),
    status_msg: presence.statusMsg,
    active_ts: presence.activeTs,
  };
}

function knownBytes({ presence }: CachedPresence): number {
  return 300 + textBytes(presence.statusMsg ?? '');
}
