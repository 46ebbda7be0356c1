import { pathOf, request } from '../support/client.ts';
import { Dice } from '../support/dice.ts';
import { logInAgain, registerUser, type TestUser } from '../support/user.ts';
import { Correspondent } from './correspondent.ts';
import { EventsFollower, type Follower, SyncFollower } from './followers.ts';
import { Ledger } from './ledger.ts';
import type { ServerProcess } from './server-process.ts';
import { Timelines } from './timelines.ts';
import { checkUploads } from './uploads.ts';
import { Writer } from './writer.ts';

const USERS = 4;
const LANES = 5;
const ROOM_VERSIONS = ['10', '12', '1'];

/** The users and rooms of a crash test, with their writers and readers. */
export class World {
  readonly ledger = new Ledger();
  readonly writers: readonly Writer[];
  readonly followers: readonly Follower[];
  correspondents: readonly Correspondent[] = [];
  readonly #timelines: Timelines;
  readonly #users: readonly TestUser[];
  readonly #rooms: readonly string[];
  readonly #flipRoom: string;
  readonly #dice: Dice;
  readonly #checkedRedactions = new Set<string>();

  private constructor(users: readonly TestUser[], rooms: readonly string[], flipRoom: string, dice: Dice) {
    const [keeper] = users;
    if (keeper === undefined) throw new Error('a world without users');
    this.#users = users;
    this.#rooms = rooms;
    this.#flipRoom = flipRoom;
    this.#dice = dice;
    this.#timelines = new Timelines(keeper, rooms);
    const place = { ledger: this.ledger, rooms, flipRoom };
    this.writers = users.flatMap((user, i) =>
      Array.from({ length: LANES }, (_, lane) => new Writer(user, `w${i}-${lane}`, place, new Dice(dice.seed()))),
    );
    this.followers = users.flatMap((user) => [
      new SyncFollower(user, rooms, new Dice(dice.seed())),
      new EventsFollower(user, rooms, new Dice(dice.seed())),
    ]);
  }

  static async create(server: ServerProcess, dice: Dice): Promise<World> {
    const users: TestUser[] = [];
    for (let i = 0; i < USERS; i += 1) users.push(await registerUser(server, { username: `writer${i}` }));
    const [keeper] = users;
    const rooms: string[] = [];
    const power_level_content_override = { state_default: 0, events_default: 0 };
    for (const room_version of [...ROOM_VERSIONS, '11']) {
      const options = { preset: 'public_chat', room_version, power_level_content_override };
      rooms.push((await keeper?.createRoom(options)) ?? '');
    }
    const flipRoom = rooms.pop() ?? '';
    for (const user of users.slice(1)) for (const room of rooms) await user.join(room);
    const world = new World(users, rooms, flipRoom, dice);
    // The keeper created the room and is a member.
    world.ledger.register(`membership ${keeper?.userId}`).acknowledge('join');
    world.writers[0]?.resume('join');
    for (const user of users) {
      world.ledger.register(`profile ${user.userId}`).acknowledge((await displayName(user)) ?? '');
      if (user !== keeper) world.ledger.register(`membership ${user.userId}`).acknowledge('leave');
    }
    for (const follower of world.followers) await follower.step(0);
    // Each correspondent has its own device, because another client that syncs on the device would take the messages.
    const devices = await Promise.all(users.map(logInAgain));
    world.correspondents = devices.map((device) => new Correspondent(device, new Dice(dice.seed())));
    for (const correspondent of world.correspondents) correspondent.meet(world.correspondents);
    return world;
  }

  get createdRooms(): number {
    return this.ledger.createdRooms.length;
  }

  get eventCount(): number {
    return this.#timelines.eventCount;
  }

  /** Checks everything after the server has restarted. @throws Error with the difference */
  async check(isThorough: boolean): Promise<void> {
    await this.#timelines.readNews();
    await this.#settleDoubtful();
    await this.#timelines.readNews();
    if (isThorough) await this.#timelines.readAll();
    this.#timelines.checkAcknowledged(this.ledger);
    for (const follower of this.followers) await this.#checkFollower(follower);
    await this.#checkState();
    for (const user of this.#users) await this.#checkUser(user);
    await this.#checkRedactions();
    const [user] = this.#users;
    if (user !== undefined) await checkUploads(user, this.ledger.uploads.splice(0));
    for (const correspondent of this.correspondents) await correspondent.repeat();
    for (const correspondent of this.correspondents) await correspondent.check();
  }

  /** Sends messages without an answer again, or adopts their current state. */
  async #settleDoubtful(): Promise<void> {
    for (const sending of this.ledger.doubtful) {
      const { roomId, mark } = sending;
      const writer = this.writers.find(({ name }) => mark.startsWith(`${name}:`));
      const written = this.#timelines.find(roomId, mark);
      const sendings = this.ledger.of(roomId, writer?.name ?? '');
      if (this.#dice.chance(0.6)) {
        const again = await writer?.retry(sending);
        const third = await writer?.retry(sending);
        if (third !== again) throw new Error(`the transaction ${mark} gave ${again}, then ${third}`);
        if (written !== undefined && again !== written)
          throw new Error(`${mark} was written as ${written}; sent again it is ${again}`);
        if (again !== undefined) sending.eventId = again;
      } else if (written !== undefined) sending.eventId = written;
      else sendings.splice(sendings.indexOf(sending), 1);
    }
    this.ledger.doubtful.clear();
  }

  async #checkFollower(follower: Follower): Promise<void> {
    while (await follower.step(0));
    for (const [roomId, seen] of follower.seen) this.#timelines.checkSeen(follower.name, roomId, seen);
  }

  async #checkState(): Promise<void> {
    for (const roomId of this.#rooms) {
      const state = await this.#users[0]?.request('GET', pathOf('rooms', roomId, 'state'));
      const events: { type: string; state_key: string; content: { mark?: string } }[] = JSON.parse(state?.text ?? '');
      const marks = new Map(
        events.flatMap(({ type, state_key, content }) => (type === 'test.crash' ? [[state_key, content.mark]] : [])),
      );
      for (const { name } of this.writers) {
        for (let i = 0; i < 5; i += 1) {
          const key = `${name}-${i}`;
          this.ledger.register(`state ${roomId} ${key}`).settle(marks.get(key));
        }
      }
    }
  }

  async #checkUser(user: TestUser): Promise<void> {
    const { ledger } = this;
    ledger.register(`profile ${user.userId}`).settle((await displayName(user)) ?? '');
    const joined = (await user.get<{ joined_rooms: string[] }>('/joined_rooms')).joined_rooms;
    const lost = ledger.createdRooms.find(({ roomId, creator }) => creator === user.userId && !joined.includes(roomId));
    if (lost !== undefined) throw new Error(`the room ${lost.roomId} was acknowledged and is lost`);
    const membership = joined.includes(this.#flipRoom) ? 'join' : 'leave';
    ledger.register(`membership ${user.userId}`).settle(membership);
    this.writers.find((writer) => writer.user === user)?.resume(membership);
    await this.#checkAccountData(user);
    await this.#checkReceipts(user);
  }

  async #checkAccountData(user: TestUser): Promise<void> {
    for (const { name } of this.writers.filter((writer) => writer.user === user)) {
      for (const [kind, room] of [
        ['global', []],
        ['room', ['rooms', this.#rooms[0] ?? '']],
      ] as const) {
        const path = pathOf('user', user.userId, ...room, 'account_data', `test.${name}`);
        const reply = await request(user, 'GET', path);
        const { mark } = reply.json;
        this.ledger.register(`account data ${kind} ${name}`).settle(typeof mark === 'string' ? mark : undefined);
      }
    }
  }

  async #checkReceipts(user: TestUser): Promise<void> {
    const filter = { room: { rooms: [...this.#rooms], timeline: { limit: 1 }, state: { types: [] } } };
    const { rooms } = await user.sync({ filter: JSON.stringify(filter) });
    for (const roomId of this.#rooms) {
      const event = rooms?.join?.[roomId]?.ephemeral?.events.find(({ type }) => type === 'm.receipt');
      const content = (event?.content ?? {}) as Record<string, { 'm.read'?: Record<string, unknown> }>;
      const own = Object.entries(content).find(([, by]) => by['m.read']?.[user.userId] !== undefined)?.[0];
      this.ledger.register(`receipt ${roomId} ${user.userId}`).settle(own);
    }
  }

  /** Checks that acknowledged redactions have removed the content. */
  async #checkRedactions(): Promise<void> {
    for (const [target, { roomId, eventId }] of this.ledger.redactions) {
      if (eventId === undefined || this.#checkedRedactions.has(target)) continue;
      const event = await this.#users[0]?.get(pathOf('rooms', roomId, 'event', target));
      if (JSON.stringify(event?.content) !== '{}') throw new Error(`${target} was redacted and still has its content`);
      this.#checkedRedactions.add(target);
    }
  }
}

async function displayName(user: TestUser): Promise<string | undefined> {
  const { displayname } = (await request(user, 'GET', pathOf('profile', user.userId, 'displayname'))).json;
  return typeof displayname === 'string' ? displayname : undefined;
}
