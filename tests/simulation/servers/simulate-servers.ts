import type { JsonObject } from '../../../packages/protocol/src/json/value.ts';
import { Dice } from '../../support/dice.ts';
import { Difference } from '../difference.ts';
import { SimClock } from '../sim-clock.ts';
import type { Latency } from '../sim-database.ts';
import { SimServer } from '../sim-server.ts';
import { compareEvents, compareStates, nameOf, serverOf } from './agreement.ts';
import { eventsOf, stagedCount } from './room-copy.ts';
import { type RoomAction, RoomActions, type SharedRoom, type SimUser } from './shared-room.ts';
import { type NetworkFaults, SimNetwork } from './sim-network.ts';
import { SyncClient } from './sync-client.ts';

export interface ServersOptions {
  readonly seed: number;
  readonly steps: number;
  /** Prints the actions and their answers. */
  readonly log?: (line: string) => void;
}

export interface ServersResult {
  readonly servers: number;
  readonly events: number;
  readonly softFailed: number;
  /** The simulated time in hours. */
  readonly hours: number;
  /** The state of each room, which is the same in two runs with the same seed. */
  readonly states: readonly string[];
}

const VERSIONS = ['2', '6', '10', '11', '12'];
const ROOMS = 2;
const LAST_ACTIONS = 40;
const LATENCIES: readonly Latency[] = [
  { readTurnsMax: 0, commitTurnsMax: 2 },
  { readTurnsMax: 2, commitTurnsMax: 3 },
];
const FAULTS: readonly NetworkFaults[] = [
  { delayMsMax: 100, loss: 0, duplication: 0 },
  { delayMsMax: 3_000, loss: 0, duplication: 0.1 },
  { delayMsMax: 2_000, loss: 0.1, duplication: 0.05 },
  { delayMsMax: 20_000, loss: 0.3, duplication: 0.1 },
];
/** The time at which the clock starts. */
const START_TS = new SimClock().now();
/** Rounds of messages at the end, which refer to everything that was sent before. */
const LAST_ROUNDS = 3;
/** The time between two looks at the answer to a request, and the number of looks. */
const WAIT_MS = 50;
const WAITS_MAX = 1_000;
const ROUND_MS = 10 * 60_000;

/**
 * Runs several servers that share rooms over a network with faults, and lets their users act. Afterwards all of them
 * must agree. @throws Error with the seed, the last actions and the difference
 */
export async function simulateServers(options: ServersOptions): Promise<ServersResult> {
  const simulation = new ServersSimulation(options);
  try {
    await simulation.open();
    for (let step = 1; step <= options.steps; step += 1) await simulation.step(step);
    return await simulation.finish();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const actions = simulation.log.slice(-LAST_ACTIONS).join('\n');
    throw new Error(`simulation of servers with seed ${options.seed}: ${text}\nThe last actions:\n${actions}`, {
      cause: error,
    });
  } finally {
    await simulation.close();
  }
}

class ServersSimulation {
  readonly log: string[] = [];
  readonly #dice: Dice;
  readonly #clock = new SimClock();
  readonly #network: SimNetwork;
  readonly #servers: SimServer[] = [];
  readonly #users: SimUser[] = [];
  readonly #clients: SyncClient[] = [];
  readonly #rooms: SharedRoom[] = [];
  readonly #print: (line: string) => void;
  /** The requests whose answers have not arrived, by the entry of the log. */
  readonly #open = new Map<number, SimServer>();
  /** The events from before all servers were in the rooms. */
  readonly #early = new Set<string>();
  #actions: RoomActions;

  constructor({ seed, log = () => undefined }: ServersOptions) {
    this.#dice = new Dice(seed);
    this.#network = new SimNetwork(this.#clock, new Dice(this.#dice.seed()));
    this.#actions = new RoomActions([], [], this.#dice);
    this.#print = log;
  }

  /** Starts the servers and creates rooms that the residents are in. */
  async open(): Promise<void> {
    const count = this.#dice.between(3, 7);
    for (let i = 0; i < count; i += 1) {
      const place = { name: `s${i}.test:8448`, clock: this.#clock, network: this.#network, print: this.#print };
      const skewMs = this.#dice.pick([0, 0, -20_000, 45_000]);
      const latency = this.#dice.pick(LATENCIES);
      const server = await SimServer.open(this.#dice.seed(), latency, undefined, { ...place, skewMs });
      this.#servers.push(server);
      await this.#settle();
      // Some servers leave rooms and come back.
      const hasResident = i < 2 || this.#dice.chance(0.5);
      for (const name of [hasResident ? 'resident' : 'guest', 'drifter']) {
        const caller = await server.register(name, true);
        // A password is hashed by another thread, whose time must not decide the order of anything else.
        await this.#settle();
        this.#users.push({ server, caller, isResident: name === 'resident' });
        this.#clients.push(new SyncClient(server, caller));
      }
    }
    for (let i = 0; i < ROOMS; i += 1) await this.#createRoom();
    for (const { roomId } of this.#rooms)
      for (const { database } of this.#servers) for (const id of eventsOf(database, roomId).keys()) this.#early.add(id);
    this.#actions = new RoomActions(this.#rooms, this.#users, new Dice(this.#dice.seed()));
  }

  async close(): Promise<void> {
    for (const server of this.#servers) if (server.isRunning) await server.close();
  }

  async #createRoom(): Promise<void> {
    const residents = this.#users.filter(({ isResident }) => isResident);
    const creator = this.#dice.pick(residents);
    const version = this.#dice.pick(VERSIONS);
    const others = this.#users.filter((user) => user !== creator && (user.isResident || this.#dice.chance(0.5)));
    const moderators = others.filter(() => this.#dice.chance(0.5)).map(({ caller }) => [caller.userId, 50]);
    const self = version === '12' ? {} : { [creator.caller.userId]: 100 };
    const users = { ...self, ...Object.fromEntries(moderators) };
    const events = { 'm.room.power_levels': 50 };
    const levels = { state_default: this.#dice.pick([0, 50]), events, users };
    const body = { preset: 'public_chat', room_version: version, power_level_content_override: levels };
    const { json } = await this.#ask(creator, 'POST', '/createRoom', body);
    const { room_id: roomId = '' } = json as { room_id?: string };
    this.#rooms.push({ roomId, version, creator });
    const via = { server_name: serverOf(creator) };
    for (const user of others) await this.#ask(user, 'POST', `/join/${encodeURIComponent(roomId)}`, {}, via);
    await this.#pass(10_000);
  }

  /** Sends a request and lets the time pass until it is answered. */
  async #ask(user: SimUser, method: 'POST' | 'PUT', path: string, body: JsonObject, query = {}) {
    const answer = this.#start({ user, name: 'setup', method, path, body, query });
    const replies: Awaited<typeof answer>[] = [];
    void answer.then((reply) => replies.push(reply));
    for (let waits = 0; waits < WAITS_MAX && replies.length === 0; waits += 1) await this.#pass(WAIT_MS);
    const [reply] = replies;
    if (reply?.status !== 200) throw new Difference(`${path} answers ${JSON.stringify(reply)}`);
    return reply;
  }

  /** Lets some users act at the same time, and changes the network. */
  async step(step: number): Promise<void> {
    this.#changeNetwork(step);
    await this.#killOrStart(step);
    for (let i = this.#dice.between(1, 4); i > 0; i -= 1) {
      const action = await this.#actions.next();
      if (action !== undefined) void this.#start(action);
    }
    await this.#pass(this.#dice.pick([0, 10, 200, 2_000, 2_000, 30_000]));
    for (const client of this.#clients) if (this.#dice.chance(0.3)) await client.sync();
    this.#checkFaults();
  }

  #changeNetwork(step: number): void {
    if (this.#dice.chance(0.1)) this.#network.faults = this.#dice.pick(FAULTS);
    if (this.#dice.chance(0.06)) this.#note(`${step} partition ${this.#network.separate()}`);
    else if (this.#dice.chance(0.1)) {
      this.#network.heal();
      this.#note(`${step} the partition ends`);
    }
  }

  /** Ends a server at once, and starts those that were ended. Requests of clients get no answer. */
  async #killOrStart(step: number): Promise<void> {
    for (const [i, server] of this.#servers.entries()) {
      if (!server.isRunning) {
        if (!this.#dice.chance(0.2)) continue;
        this.#note(`${step} s${i} starts`);
        await server.start();
        await this.#settle();
      } else if (this.#dice.chance(0.02)) {
        this.#note(`${step} s${i} is killed`);
        server.kill();
        for (const [entry, asked] of this.#open) if (asked === server) this.#open.delete(entry);
      }
    }
  }

  /** Returns the answer; undefined if the server ends before it. */
  async #start({ user, name, method, path, body, query }: RoomAction) {
    const { caller, server } = user;
    const entry = this.log.push(`${caller.userId} ${name}: ${method} ${path} ${JSON.stringify(body)}`) - 1;
    this.#open.set(entry, server);
    const reply = await server.call(caller, method, path, { body, ...(query !== undefined && { query }) });
    this.#open.delete(entry);
    this.log[entry] += ` -> ${reply.status} ${JSON.stringify(reply.json)} at ${this.#clock.now()}`;
    this.#print(this.log[entry] ?? '');
    return reply;
  }

  #note(line: string): void {
    this.log.push(line);
    this.#print(line);
  }

  #pass(ms: number): Promise<void> {
    return this.#clock.pass(ms, () => this.#settle());
  }

  /** Waits until nothing happens any more without a change of the clock. */
  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#servers.every(({ database }) => database.isIdle) ? quiet + 1 : 0;
    }
  }

  #checkFaults(): void {
    for (const { faults } of this.#servers)
      if (faults.length > 0) {
        const { error } = faults[1] as { error?: unknown };
        throw new Error(`a server has logged an error: ${String(faults[0])}`, { cause: error });
      }
  }

  /** Repairs the network, lets everything arrive, and compares the servers. */
  async finish(): Promise<ServersResult> {
    this.#network.heal(true);
    for (const server of this.#servers) if (!server.isRunning) await server.start();
    await this.#settle();
    this.#note('the network is healed');
    await this.#pass(ROUND_MS);
    for (let round = 1; round <= LAST_ROUNDS; round += 1) {
      for (const room of this.#rooms)
        for (const user of this.#users)
          if (user.isResident) void this.#start({ user, name: 'last', ...this.#actions.say(room, `last ${round}`) });
      await this.#pass(ROUND_MS);
    }
    for (const client of this.#clients) for (let i = 0; i < 3; i += 1) await client.sync();
    this.#checkFaults();
    for (const entry of this.#open.keys()) throw new Difference(`no answer to ${this.log[entry]}`);
    for (const server of this.#servers)
      if (stagedCount(server.database) > 0) throw new Difference(`${nameOf(server, this.#users)} has staged events`);
    const states: string[] = [];
    let events = 0;
    let softFailed = 0;
    for (const room of this.#rooms) {
      states.push(...(await compareStates(room, this.#users, this.#clients)));
      const counts = compareEvents(room, this.#users, this.#early);
      events += counts.events;
      softFailed += counts.softFailed;
    }
    const hours = (this.#clock.now() - START_TS) / 3_600_000;
    return { servers: this.#servers.length, events, softFailed, hours, states };
  }
}
