import type { Destinations } from '../federation/client/destinations.ts';
import type { FederationClient } from '../federation/client/federation-client.ts';
import { Composer } from '../federation/sending/composer.ts';
import { DestinationList } from '../federation/sending/destination-list.ts';
import { EventDistribution } from '../federation/sending/event-distribution.ts';
import { Exchange } from '../federation/sending/exchange.ts';
import { Queues } from '../federation/sending/queues.ts';
import { sendingCounts } from '../federation/sending/sending-counts.ts';
import { registerSendingGauges } from '../federation/sending/sending-gauges.ts';
import { SendingPositions } from '../federation/sending/sending-positions.ts';
import { StoredEdus } from '../federation/sending/stored-edus.ts';
import { TransactionSender } from '../federation/sending/transaction-sender.ts';
import { DAY_MS } from '../platform/clock.ts';
import { OutgoingEvents } from '../rooms/outgoing/outgoing-events.ts';
import { OutgoingTexts } from '../rooms/outgoing/outgoing-texts.ts';
import type { PeekingServers } from '../rooms/peeking/peeking-servers.ts';
import { deleteOldForwardedEvents } from '../storage/federation/sendable-events.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';
import type { FederatedRooms } from './federation-rooms.ts';

/** The objects of federation on which sending is built. */
interface SendingParts {
  readonly client: Pick<FederationClient, 'request'>;
  readonly destinations: Destinations;
  readonly rooms: Pick<FederatedRooms, 'pdus' | 'servers' | 'roomServers'>;
  /** The servers that peek into rooms of this one. */
  readonly peeking: PeekingServers;
  readonly serverName: string;
}

/** The time for which EDUs wait for a server that does not answer, and for which forwarded events are remembered. */
const KEPT_MS = 30 * DAY_MS;
const STORE_EVERY_MS = 30_000;
/** The shortest time between two transactions to a server. The first event after a pause does not wait. */
const INTERVAL_MS = 25;

/** Creates the sending of events and EDUs to other servers. */
export function createSending(
  { database, clock, random, log, background, metrics }: FederationBase,
  domains: Pick<Domains, 'base' | 'rooms'>,
  { client, destinations, rooms, peeking, serverName }: SendingParts,
) {
  const { stream } = domains.base;
  const { heads, events } = domains.rooms;
  const { servers, roomServers } = rooms;
  const texts = new OutgoingTexts(rooms.pdus, heads, background);
  const receivers = { servers, roomServers, peeking };
  const outgoing = new OutgoingEvents({ database, heads, events, texts, receivers, serverName });
  const counts = sendingCounts(metrics);
  const queues = new Queues(destinations, counts);
  const storedEdus = new StoredEdus(database);
  const position = () => distribution.position;
  const composer = new Composer({ outgoing, storedEdus, position, clock, random, counts, log });
  const exchange = new Exchange(client, serverName, counts, log);
  const tasks = { clock, background, intervalMs: INTERVAL_MS };
  const sender = new TransactionSender({ queues, composer, exchange, storedEdus, destinations, tasks, log });
  const distribution = new EventDistribution({
    database,
    stream,
    events,
    destinations: outgoing,
    sender,
    clock,
    background,
  });
  const positions = new SendingPositions({ database, queues, destinations, position, clock, log });
  registerSendingGauges(metrics, queues, positions, clock);
  background.every(STORE_EVERY_MS, 'storing positions of other servers', () => positions.store());
  background.every(DAY_MS, 'deleting what waits for servers that do not answer', async () => {
    await storedEdus.expire(clock.now() - KEPT_MS);
    await database.commit([deleteOldForwardedEvents(clock.now() - KEPT_MS)]);
  });
  return {
    sender,
    destinationList: new DestinationList({ roomServers, destinations, queues, positions, position }),
    alsoSend: (event: Parameters<EventDistribution['alsoSend']>[0]) => distribution.alsoSend(event),
    /** Sends those of some events that are of this server to all servers in their room. */
    async sendAgain(concurrent: readonly StoredEvent[]) {
      for (const event of concurrent) if (outgoing.audienceOf(event) === 'room') await distribution.alsoSend(event);
    },
    /** Sends an event to those of some servers that have no members in its room any more. */
    async sendToRemoved(cause: StoredEvent, affected: readonly string[]) {
      distribution.sendOnce(cause, await outgoing.absentOf(affected, cause.room));
    },
    async start() {
      distribution.start(await positions.load(stream.current));
      sender.wake(positions.lateServers());
      await sender.start();
    },
    async close() {
      sender.close();
      distribution.close();
      // Without the latest positions, servers get some events again after the start.
      await positions.store().catch((error: unknown) => log.warn('positions of other servers not stored', { error }));
    },
  };
}
