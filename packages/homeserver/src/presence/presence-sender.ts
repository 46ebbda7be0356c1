import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { EduQueue } from '../federation/sending/edu-queue.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { complete } from '../platform/lookups/lookups.ts';
import type { SharedRooms } from '../rooms/membership/shared-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { Presences } from './presence.ts';

interface Parts {
  readonly presences: Presences;
  readonly sharedRooms: SharedRooms;
  readonly queue: EduQueue;
  readonly names: Names;
  readonly events: EventStore;
  readonly clock: Clock;
  readonly serverName: string;
}

/** The minimum time between two EDUs to the same server. */
const SEND_EVERY_MS = 1_000;
/** The time after which the presence of a user who is online is sent again, because other servers forget it. */
const REPEAT_MS = 25 * 60_000;
const CHECK_EVERY_MS = 60_000;
/** Users whose presence a server gets when it begins to share a room. */
const NEW_SERVER_USERS_MAX = 200;
/** The number of users for a server from which they are sent together, and in one EDU. */
const TOGETHER_MIN = 20;
const TOGETHER_MAX = 100;

/** Sends the presence of this server's users to the servers with which they share a room (server-server API, "Presence"). */
export class PresenceSender {
  readonly #parts: Parts;
  readonly #background: Background;
  /** Users whose presence is sent to all servers, and further ones by server. */
  #users = new Set<number>();
  #byServer = new Map<string, Set<number>>();
  /** The users who are not offline, with the time when their presence was sent last. */
  readonly #sent = new Map<number, number>();
  #batches = 0;
  #sentMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(parts: Parts, stream: Stream, background: Background) {
    this.#parts = parts;
    this.#background = background;
    stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind === 'presence' && parts.sharedRooms.mayBeLocal(change.user)) this.#add(change.user);
        else if (change.kind === 'event') this.#joined(change);
      }
    });
    background.every(CHECK_EVERY_MS, 'repeating presence for other servers', async () => this.#repeat());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #add(user: number): void {
    this.#users.add(user);
    this.#wake();
  }

  /** Sends the presence of a user who has joined a room, or of the users in a room that another server has joined. */
  #joined({ room, event: num }: Change & { readonly kind: 'event' }): void {
    const { events, serverName, presences } = this.#parts;
    const event = events.cached(num);
    if (event?.type !== 'm.room.member' || event.content.membership !== 'join') return;
    const server = domainOf(event.stateKey ?? '');
    if (server === undefined || event.stateKeyNum === null) return;
    if (server !== serverName) this.#addForServer(server, room);
    else if (presences.present([event.stateKeyNum]).length > 0) this.#add(event.stateKeyNum);
  }

  #addForServer(server: string, room: number): void {
    this.#background.start('sending presence to a new server in a room', async () => {
      const { sharedRooms, presences } = this.#parts;
      const users = this.#byServer.get(server) ?? new Set<number>();
      const present = presences.present(await sharedRooms.membersOf(room));
      for (const user of present.slice(0, NEW_SERVER_USERS_MAX)) users.add(user);
      this.#byServer.set(server, users);
      this.#wake();
    });
  }

  #repeat(): void {
    const beforeMs = this.#parts.clock.elapsed() - REPEAT_MS;
    for (const [user, sentMs] of this.#sent) if (sentMs < beforeMs) this.#add(user);
  }

  #wake(): void {
    const { clock } = this.#parts;
    const waitMs = Math.max(0, this.#sentMs + SEND_EVERY_MS - clock.elapsed());
    this.#timer ??= clock.after(waitMs, () => this.#background.start('sending presence', () => this.#send()));
  }

  async #send(): Promise<void> {
    const { sharedRooms, names, clock, serverName } = this.#parts;
    this.#timer = undefined;
    this.#sentMs = clock.elapsed();
    const [users, byServer] = [this.#users, this.#byServer];
    [this.#users, this.#byServer] = [new Set(), new Map()];
    const ids = await names.texts([...users, ...[...byServer.values()].flatMap((some) => [...some])]);
    const updates = new Map<number, JsonObject>();
    for (const [user, userId] of ids) {
      if (domainOf(userId) === serverName) updates.set(user, await this.#update(user, userId));
    }
    for (const user of users) {
      if (!updates.has(user)) continue;
      for (const server of await sharedRooms.serversOf(user)) {
        const some = byServer.get(server) ?? new Set<number>();
        byServer.set(server, some.add(user));
      }
    }
    this.#queue(byServer, updates);
  }

  async #update(user: number, userId: string): Promise<JsonObject> {
    const { presences, clock } = this.#parts;
    const content = await complete((lookups) => presences.contentOf(lookups, user));
    if (content.presence === 'offline') this.#sent.delete(user);
    else this.#sent.set(user, clock.elapsed());
    return { user_id: userId, last_active_ago: 0, ...content };
  }

  /**
   * Queues the updates. An EDU for one user is shared by all servers and replaces an earlier one. Servers that get many
   * users get them together.
   */
  #queue(byServer: ReadonlyMap<string, ReadonlySet<number>>, updates: ReadonlyMap<number, JsonObject>): void {
    const { queue } = this.#parts;
    const single = new Map(Array.from(updates, ([user, update]) => [user, eduOf([update])]));
    for (const [server, users] of byServer) {
      const known = [...users].filter((user) => updates.has(user));
      if (known.length < TOGETHER_MIN) {
        for (const user of known) queue.queueEdu(server, `m.presence ${user}`, single.get(user) ?? eduOf([]));
        continue;
      }
      for (let from = 0; from < known.length; from += TOGETHER_MAX) {
        const some = known.slice(from, from + TOGETHER_MAX).map((user) => updates.get(user) ?? {});
        this.#batches += 1;
        queue.queueEdu(server, `m.presence batch ${this.#batches}`, eduOf(some));
      }
    }
  }
}

function eduOf(push: JsonObject[]): JsonObject {
  return { edu_type: 'm.presence', content: { push } };
}
