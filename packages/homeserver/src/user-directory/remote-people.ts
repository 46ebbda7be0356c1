import { MatrixError } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { KeyedTasks } from '../platform/concurrency/keyed-tasks.ts';
import type { RemoteProfiles } from '../profile/remote-profiles.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import type { SharedRooms } from '../rooms/membership/shared-rooms.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { People } from './people.ts';

interface Parts {
  readonly people: People;
  readonly profiles: Pick<RemoteProfiles, 'latest'>;
  readonly sharedRooms: SharedRooms;
  readonly events: EventStore;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly serverName: string;
}

/** The number of users whose profiles are waiting to be fetched. The profiles of further ones are not fetched. */
const WAITING_MAX = 5_000;
const SERVERS_MAX = 5;
/** The time between two requests to the same server. */
const PAUSE_MS = 200;

/** Adds users of other servers to the user directory: members of joined rooms, and profiles from their servers. */
export class RemotePeople {
  readonly #parts: Parts;
  readonly #tasks: KeyedTasks<string>;
  /** The users whose profiles are fetched, by server, and their ids by number. */
  readonly #waiting = new Map<string, Map<number, string>>();
  #count = 0;

  constructor(parts: Parts, background: Background) {
    this.#parts = parts;
    const { clock, people, stream, events } = parts;
    const limits = { runningMax: SERVERS_MAX, errorWaitMs: PAUSE_MS };
    this.#tasks = new KeyedTasks(
      { clock, background, name: 'fetching profiles of other servers', ...limits },
      (server) => this.#run(server),
    );
    people.observeWith((user, userId) => this.#add(user, userId));
    stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind === 'whole-state')
          background.start('adding members of a joined room to the user directory', () => people.addRoom(change.room));
        const event = change.kind === 'event' ? events.cached(change.event) : undefined;
        if (event !== undefined && this.#isOwnJoin(event))
          background.start('adding members of a joined room to the user directory', () => this.#joined(event));
      }
    });
  }

  close(): void {
    this.#tasks.close();
  }

  #isOwnJoin(event: StoredEvent): boolean {
    if (event.type !== 'm.room.member' || membershipOf(event) !== 'join') return false;
    return domainOf(event.stateKey ?? '') === this.#parts.serverName;
  }

  async #joined({ room, replaces }: StoredEvent): Promise<void> {
    const { people, sharedRooms, events } = this.#parts;
    const before = replaces === null ? undefined : await events.one(replaces);
    if (before !== undefined && membershipOf(before) === 'join') return;
    if ((await sharedRooms.serversIn(room)).length > 0) await people.addRoom(room);
  }

  #add(user: number, userId: string): void {
    const server = domainOf(userId) ?? '';
    const waiting = this.#waiting.get(server) ?? new Map<number, string>();
    if (this.#count >= WAITING_MAX || waiting.has(user)) return;
    this.#waiting.set(server, waiting.set(user, userId));
    this.#count += 1;
    this.#tasks.wake([server]);
  }

  /** Fetches one profile of a server. A profile that the server does not return stays as it is. */
  async #run(server: string): Promise<number | undefined> {
    const waiting = this.#waiting.get(server);
    const [next] = waiting ?? [];
    if (waiting === undefined || next === undefined) return undefined;
    const [user, userId] = next;
    waiting.delete(user);
    this.#count -= 1;
    if (waiting.size === 0) this.#waiting.delete(server);
    try {
      await this.#parts.people.putRemote(user, userId, await this.#parts.profiles.latest(userId, server));
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
    }
    return PAUSE_MS;
  }
}
