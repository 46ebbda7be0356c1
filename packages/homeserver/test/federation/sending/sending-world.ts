import { asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { Destinations } from '../../../src/federation/client/destinations.ts';
import type { FederationRequest } from '../../../src/federation/client/federation-client.ts';
import { FederationError } from '../../../src/federation/client/federation-error.ts';
import { Composer, type OutgoingEvents } from '../../../src/federation/sending/composer.ts';
import { Exchange } from '../../../src/federation/sending/exchange.ts';
import { Queues } from '../../../src/federation/sending/queues.ts';
import { sendingCounts } from '../../../src/federation/sending/sending-counts.ts';
import { registerSendingGauges } from '../../../src/federation/sending/sending-gauges.ts';
import { SendingPositions } from '../../../src/federation/sending/sending-positions.ts';
import { StoredEdus } from '../../../src/federation/sending/stored-edus.ts';
import { TransactionSender } from '../../../src/federation/sending/transaction-sender.ts';
import { Background } from '../../../src/platform/concurrency/background.ts';
import { silentLog } from '../../../src/platform/monitoring/log.ts';
import { type Metrics, noMetrics } from '../../../src/platform/monitoring/metrics.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { Database } from '../../../src/storage/engine/database.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A transaction that a server has got. */
export interface SentTransaction {
  readonly server: string;
  readonly id: string;
  readonly pdus: readonly JsonObject[];
  readonly edus: readonly JsonObject[];
}

/** Decides what a server answers; it throws an error, or returns the answer. */
export type Reaction = (transaction: SentTransaction) => JsonObject | undefined;

export type SendingWorld = ReturnType<typeof openSendingWorld>;

/** The sending to other servers over a database, with servers and events that a test makes up. */
export function openSendingWorld(database: Database, intervalMs = 0) {
  const clock = new ManualClock();
  const destinations = new Destinations(clock, systemRandom, { minMs: 1_000, maxMs: 60_000 }, silentLog);
  const counted = new Map<string, number>();
  const metrics: Metrics = {
    ...noMetrics,
    counter: (name) => ({
      add: (amount, { outcome = '' } = {}) => {
        const key = `${name.replace('hearth_federation_sent_', '')} ${outcome}`;
        if (amount > 0) counted.set(key, (counted.get(key) ?? 0) + amount);
      },
    }),
    gauge: (name, _help, read) => gauges.set(name.replace('hearth_federation_', ''), read),
  };
  const gauges = new Map<string, () => number>();
  const counts = sendingCounts(metrics);
  const queues = new Queues(destinations, counts);
  const storedEdus = new StoredEdus(database);
  const background = new Background(clock, silentLog);
  const sent: SentTransaction[] = [];
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => warnings.push(message) };
  /** The reactions to the next transactions; then the servers accept everything. */
  const reactions: Reaction[] = [];
  const world = {
    position: 0,
    /** The positions of the events that a server misses. */
    missed: [] as number[],
    always: undefined as Reaction | undefined,
    /** Returns the PDU of an event. Events with numbers below 1 have none. */
    pdu: (num: number) => `{"n":${num}}`,
  };
  const outgoing: OutgoingEvents = {
    pdus: (nums) => Promise.resolve(new Map(nums.filter((num) => num > 0).map((num) => [num, world.pdu(num)]))),
    missedBy: (_server, { after, upTo }) =>
      Promise.resolve(world.missed.filter((num) => num > after && num <= upTo).map((num) => ({ position: num, num }))),
  };
  const request = async (server: string, { path, contentText = '' }: FederationRequest) => {
    const { pdus, edus } = JSON.parse(contentText) as Pick<SentTransaction, 'pdus' | 'edus'>;
    const transaction = { server, id: asString(path.split('/').at(-1)) ?? '', pdus, edus };
    sent.push(transaction);
    const answer = (reactions.shift() ?? world.always)?.(transaction);
    destinations.alive(server);
    return asObject(answer) ?? { pdus: {} };
  };
  const position = () => world.position;
  const composer = new Composer({ outgoing, storedEdus, position, clock, random: systemRandom, counts, log });
  const exchange = new Exchange({ request }, 'hearth.test', counts, log);
  const tasks = { clock, background, intervalMs };
  const sender = new TransactionSender({ queues, composer, exchange, storedEdus, destinations, tasks, log });
  const positions = new SendingPositions({ database, queues, destinations, position, clock, log });
  registerSendingGauges(metrics, queues, positions, clock);
  return Object.assign(world, {
    /** The counts of PDUs and EDUs by outcome. */
    counted,
    /** Returns the value of a gauge. */
    gauge: (name: string) => gauges.get(name)?.(),
    clock,
    destinations,
    queues,
    sender,
    positions,
    storedEdus,
    sent,
    warnings,
    reactions,
    /** Sends events to servers, as if they were accepted now. */
    send(servers: readonly string[], ...nums: readonly number[]): void {
      for (const num of nums) {
        world.position = Math.max(world.position, num);
        sender.sendEvent({ position: num, num, queuedAtMs: clock.elapsed() }, servers);
      }
      sender.wake(servers);
    },
    /** Returns the numbers of the PDUs of each transaction. */
    pdus: () => sent.map(({ pdus }) => pdus.map(({ n }) => Number(n))),
    edus: () => sent.map(({ edus }) => edus.map(({ n }) => Number(n))),
    /** Throws the error for a server that does not answer. */
    noAnswer: ({ server }: SentTransaction): undefined => {
      destinations.failed(server, clock.elapsed(), 'no connection');
      throw new FederationError('no-answer', 'no connection');
    },
    refuse:
      (status: number): Reaction =>
      ({ server }) => {
        destinations.alive(server);
        throw new FederationError('refused', `has answered ${status}`, { status });
      },
  });
}

/** Waits until a number has not changed for a while. */
export async function settledAt(read: () => number): Promise<void> {
  for (let [rounds, before] = [0, -1]; rounds < 3; rounds = read() === before ? rounds + 1 : 0) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
