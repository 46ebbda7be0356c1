import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import { Cancellation } from '../../packages/homeserver/src/platform/concurrency/cancellation.ts';
import { Dice } from '../support/dice.ts';
import type { SyncReply } from '../support/user.ts';
import { type Action, Actions } from './actions.ts';
import { checkDevice, checkUser } from './agreement.ts';
import { Device } from './device.ts';
import { Difference } from './difference.ts';
import { HABITS } from './habits.ts';
import type { Latency } from './sim-database.ts';
import { type SimReply, SimServer } from './sim-server.ts';
import { SlidingDevice } from './sliding-device.ts';
import { StreamReader } from './stream-reader.ts';
import { Truth } from './truth.ts';
import { ReadMarks } from './unread.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** A PostgreSQL server. With it the seed decides everything except the timing of the database. */
  readonly postgres?: string | undefined;
}

export interface SimulationResult {
  readonly events: number;
  readonly rooms: number;
  /** The latest event of each room, which is the same in two runs with the same seed. */
  readonly latest: readonly string[];
}

const NAMES = ['ada', 'bob', 'cleo', 'dan'];
const DEVICES_EACH = 4;
const QUIET_EVERY = 25;
const LAST_ACTIONS = 25;
/** The probability of a restart at a quiet point. */
const RESTARTS = 0.4;

/** The latencies of an embedded database, which answers at once, and of a database server. */
const LATENCIES: readonly Latency[] = [
  { readTurnsMax: 0, commitTurnsMax: 3 },
  { readTurnsMax: 3, commitTurnsMax: 4 },
];

/** Lets users act and devices sync. @throws Error with the seed, the step, the last actions and the difference */
export async function simulate({ seed, steps, postgres }: SimulationOptions): Promise<SimulationResult> {
  const simulation = await Simulation.open(seed, postgres);
  try {
    for (let step = 1; step <= steps; step += 1)
      await simulation.step(step, step % QUIET_EVERY === 0 || step === steps);
    return simulation.result;
  } finally {
    await simulation.close();
  }
}

/** A request that waits for changes. */
interface OpenRequest {
  reply: SyncReply | undefined;
  readonly cancellation: Cancellation;
}

class Simulation {
  readonly #seed: number;
  readonly #server: SimServer;
  readonly #truth: Truth;
  readonly #marks = new ReadMarks();
  readonly #dice: Dice;
  readonly #users: Caller[] = [];
  readonly #devices: Device[] = [];
  readonly #readers: StreamReader[] = [];
  readonly #sliding: SlidingDevice[] = [];
  readonly #waiting = new Map<Device, OpenRequest>();
  readonly #log: string[] = [];
  #actions: Actions | undefined;
  /** The end of the stream before the current step. Events acknowledged in this step have later positions. */
  #before = 0;

  private constructor(seed: number, server: SimServer, dice: Dice) {
    this.#seed = seed;
    this.#server = server;
    this.#truth = new Truth(server.database);
    this.#dice = dice;
  }

  static async open(seed: number, postgres: string | undefined): Promise<Simulation> {
    const dice = new Dice(seed);
    const server = await SimServer.open(dice.seed(), dice.pick(LATENCIES), postgres);
    const simulation = new Simulation(seed, server, dice);
    await simulation.#populate();
    return simulation;
  }

  get result(): SimulationResult {
    const rooms = [...this.#truth.rooms.values()];
    return {
      events: rooms.reduce((sum, { events }) => sum + events.length, 0),
      rooms: rooms.length,
      latest: rooms.map(({ events }) => events.at(-1)?.id ?? ''),
    };
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #populate(): Promise<void> {
    const world = { server: this.#server, truth: this.#truth };
    for (const name of NAMES) {
      const caller = await this.#server.register(name, true);
      this.#users.push(caller);
      for (let i = 0; i < DEVICES_EACH; i += 1) {
        const session = await this.#server.register(name, false);
        this.#devices.push(new Device(session, this.#dice.pick(HABITS), world, new Dice(this.#dice.seed())));
      }
      const phone = await this.#server.register(name, false);
      this.#sliding.push(new SlidingDevice(phone, world, new Dice(this.#dice.seed())));
      this.#readers.push(new StreamReader(caller, false, world, new Dice(this.#dice.seed())));
      this.#readers.push(new StreamReader(caller, true, world, new Dice(this.#dice.seed())));
    }
    if (this.#dice.chance(0.5)) await this.#ignore();
    this.#actions = new Actions({ ...world, marks: this.#marks, users: this.#users }, new Dice(this.#dice.seed()));
  }

  /** Makes one user ignore another from the beginning. */
  async #ignore(): Promise<void> {
    const [user, other] = this.#users;
    if (user === undefined || other === undefined) return;
    const path = `/user/${encodeURIComponent(user.userId)}/account_data/m.ignored_user_list`;
    await this.#server.call(user, 'PUT', path, { body: { ignored_users: { [other.userId]: {} } } });
    this.#truth.ignored.set(user.userId, other.userId);
  }

  /** Lets some users act and some devices sync, all at the same time. At a quiet point everything is compared. */
  async step(step: number, isQuiet: boolean): Promise<void> {
    try {
      await this.#act(step);
      await this.#server.pass(this.#dice.chance(0.1) ? 20_000 : this.#dice.between(0, 300));
      if (isQuiet) await this.#compare();
      if (isQuiet && this.#dice.chance(RESTARTS)) await this.#restart(step);
      if (this.#server.faults.length > 0)
        throw new Error('the server logged an error', { cause: this.#server.faults[1] });
    } catch (error) {
      const actions = this.#log.slice(-LAST_ACTIONS).join('\n');
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`simulation with seed ${this.#seed}, step ${step}: ${text}\nThe last actions:\n${actions}`, {
        cause: error,
      });
    }
  }

  async #act(step: number): Promise<void> {
    const actions = Array.from({ length: this.#dice.pick([1, 1, 1, 2, 5]) }, () => this.#actions?.next());
    const syncing = this.#devices.filter(({ habit }) => !habit.waits && this.#dice.chance(habit.often));
    this.#before = this.#truth.upTo;
    const running = actions.map((action) => (action === undefined ? undefined : this.#do(step, action)));
    const answers = syncing.map((device) => device.ask(0));
    const reading = this.#readers.filter(() => this.#dice.chance(0.4)).map((reader) => reader.step());
    for (const device of this.#devices) if (device.habit.waits && !this.#waiting.has(device)) this.#leaveOpen(device);
    const sliding = this.#sliding.filter(() => this.#dice.chance(0.4)).map((device) => device.step());
    await Promise.all([...running, ...reading, ...sliding]);
    const replies = await Promise.all(answers);
    await this.#server.settle();
    this.#truth.refresh();
    for (const [i, device] of syncing.entries()) {
      const reply = replies[i];
      if (reply !== undefined && !this.#dice.chance(device.habit.loses)) await device.take(reply);
    }
    await this.#takeAnswered();
  }

  async #do(step: number, action: Action): Promise<void> {
    const { caller, method, path, body, name, done } = action;
    const entry = this.#log.push(`${step} ${caller.userId} ${name}: ${method} ${path} ${JSON.stringify(body)}`) - 1;
    const reply = await this.#server.call(caller, method, path, { body });
    this.#log[entry] += ` -> ${reply.status} ${JSON.stringify(reply.json)}`;
    if (reply.status >= 500) throw new Difference(`${name} answers ${JSON.stringify(reply)}`);
    if (reply.status === 200) done?.();
    this.#checkAcknowledged(reply, path);
  }

  /** Checks that an acknowledged event is present, after all events that were acknowledged before its request. */
  #checkAcknowledged({ json }: SimReply, path: string): void {
    const { event_id: id } = json as { event_id?: string };
    const roomId = decodeURIComponent(/^\/rooms\/([^/]+)/.exec(path)?.[1] ?? '');
    if (id === undefined || roomId === '') return;
    this.#truth.refresh();
    const event = this.#truth.room(roomId).byId.get(id);
    if (event === undefined) throw new Difference(`${id} was acknowledged and is missing`);
    // A request to set the same state again creates no event.
    const isOld = event.num <= this.#before && event.stateKey === undefined;
    if (isOld) throw new Difference(`${id} precedes an event that was acknowledged earlier`);
  }

  #leaveOpen(device: Device): void {
    const open: OpenRequest = { reply: undefined, cancellation: new Cancellation() };
    this.#waiting.set(device, open);
    void device.ask(30_000, open.cancellation).then((reply) => {
      open.reply = reply;
    });
  }

  async #takeAnswered(): Promise<void> {
    for (const [device, { reply }] of this.#waiting) {
      if (reply === undefined) continue;
      this.#waiting.delete(device);
      await device.take(reply);
    }
  }

  /** Restarts the server. Waiting requests end without an answer and are sent again. */
  async #restart(step: number): Promise<void> {
    this.#log.push(`${step} the server starts anew`);
    for (const { cancellation } of this.#waiting.values()) cancellation.cancel();
    await this.#server.settle();
    this.#waiting.clear();
    await this.#server.restart();
    for (const device of [...this.#devices, ...this.#sliding]) device.forgetTyping();
  }

  /** Lets every device read to the end while nothing else happens, and checks that all agree. */
  async #compare(): Promise<void> {
    await this.#server.pass(30_000);
    await this.#takeAnswered();
    this.#truth.refresh();
    for (const caller of this.#users) {
      const fresh = await checkUser({ server: this.#server, truth: this.#truth, marks: this.#marks }, caller);
      for (const device of this.#devices) {
        if (device.caller.userId !== caller.userId) continue;
        await device.take(await device.ask(0));
        await device.take(await device.ask(0));
        checkDevice({ server: this.#server, truth: this.#truth, marks: this.#marks }, device, fresh);
      }
    }
    for (const device of this.#sliding) await device.compare(this.#marks);
  }
}
