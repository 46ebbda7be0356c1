import { signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import type { Config } from '../config/schema.ts';
import { RemoteDirectory } from '../directory/remote-directory.ts';
import { RemoteRooms } from '../directory/remote-rooms.ts';
import { RemoteKeys } from '../encryption/remote/remote-keys.ts';
import { authenticateServerBy } from '../federation/authentication.ts';
import { Destinations } from '../federation/client/destinations.ts';
import { FederationClient } from '../federation/client/federation-client.ts';
import { Delegations } from '../federation/discovery/delegations.ts';
import { Discovery } from '../federation/discovery/discovery.ts';
import { Services } from '../federation/discovery/services.ts';
import { fetchDelegationBy } from '../federation/discovery/well-known.ts';
import { KeyFetcher } from '../federation/keys/key-fetcher.ts';
import { KeyRing } from '../federation/keys/key-ring.ts';
import { Notary } from '../federation/keys/notary.ts';
import { type OldKey, OwnKeys } from '../federation/keys/own-keys.ts';
import { Permits } from '../federation/permits.ts';
import { RemoteInboxes } from '../federation/sending/remote-inboxes.ts';
import { FederatedMedia } from '../media/remote/federated-media.ts';
import { DAY_MS } from '../platform/clock.ts';
import { cachedResolve, systemDns } from '../platform/outbound/dns.ts';
import { HttpsPool } from '../platform/outbound/https-pool.ts';
import { Outbound } from '../platform/outbound/outbound.ts';
import { PublicAddresses } from '../platform/outbound/public-addresses.ts';
import { PeekingServers } from '../rooms/peeking/peeking-servers.ts';
import type { Database } from '../storage/engine/database.ts';
import { trimServerKeys } from '../storage/federation/server-keys.ts';
import { readSigningKeys, type StoredSigningKey } from '../storage/rooms/signing-keys.ts';
import type { Domains } from './domains.ts';
import type { Federation, FederationBase } from './federation.ts';
import { createEdus } from './federation-edus.ts';
import { type FederatedRooms, openFederatedRooms } from './federation-rooms.ts';
import { federationRoutes } from './federation-routes.ts';
import { createSending } from './federation-sending.ts';
import { openPeeks, openServing } from './federation-serving.ts';

/** The number of keys of other servers that are kept; the keys that were fetched first are deleted first. */
const SERVER_KEYS_MAX = 500_000;

/** The longest time that a join waits until the other server has the events that were sent to it before. */
const SETTLED_MS = 1_000;

/** Creates the objects and routes of federation. */
export async function createFederation(config: Config, base: FederationBase, domains: Domains): Promise<Federation> {
  const { database, clock, random } = base;
  const ownKeys = new OwnKeys(config.server_name, domains.rooms.signer.key, await oldKeys(database), clock);
  const { allow, deny, key_servers: keyServers } = config.federation;
  const permits = new Permits(allow, deny);
  const { client, destinations, pool, outbound } = createClient(config, base, ownKeys, permits);
  const fetcher = new KeyFetcher(client, clock, keyServers);
  const keyRing = new KeyRing({ database, fetcher, ownKeys, clock });
  const { serverName } = ownKeys;
  const federatedRooms = await openFederatedRooms(base, domains, client, keyRing);
  const peeking = await PeekingServers.open(database, clock);
  const sending = createSending(base, domains, { client, destinations, rooms: federatedRooms, peeking, serverName });
  const { servers, peekRequests } = federatedRooms;
  peekRequests.useWhile((room) => domains.sync.peeks.has(room));
  const edus = createEdus(config, base, domains, { queue: sending.sender, servers, client, destinations });
  followCompletions(base, domains, federatedRooms, { sending, edus });
  startTasks(base, federatedRooms, sending);
  const serving = openServing(base, { ...domains, names: domains.base.names }, federatedRooms);
  return {
    routes: federationRoutes(config, base, domains, {
      notary: new Notary(ownKeys, keyRing, clock),
      ownKeys,
      shared: { ...federatedRooms, client, alsoSend: sending.alsoSend },
      serving,
      peeks: openPeeks(base, domains.rooms, peeking, serving),
      edus: edus.received,
    }),
    profiles: edus.profiles,
    directory: new RemoteDirectory(client, (found) => peekRequests.hint(found)),
    rooms: new RemoteRooms({ client, heads: domains.rooms.heads, servers, clock }),
    keys: new RemoteKeys(client, clock),
    followedKeys: edus.followedKeys,
    media: new FederatedMedia({ client, outbound, clock, bytesMax: domains.media.settings.uploadBytesMax }),
    authenticateServer: authenticateServerBy({ ownKeys, keyRing, permits, destinations, clock }),
    toDevice: new RemoteInboxes(sending.sender, clock, random),
    memberships: federatedRooms.memberRequests,
    peeks: peekRequests,
    history: federatedRooms.backfill,
    timestamps: federatedRooms.timestamps,
    relationships: federatedRooms.relationships,
    destinationList: sending.destinationList,
    servers,
    async close() {
      federatedRooms.staging.close();
      federatedRooms.resync.close();
      edus.close();
      await sending.close();
      pool.close();
    },
  };
}

/** The number of events that are sent again to a server that was not known to be in a room. */
const SENT_AGAIN_MAX = 1_000;

/** Corrects what was based on the partial state of a room, when its whole state has become known. */
function followCompletions(
  { background }: FederationBase,
  { rooms: { timelines, events } }: Domains,
  { resync }: FederatedRooms,
  { sending, edus }: { sending: ReturnType<typeof createSending>; edus: ReturnType<typeof createEdus> },
): void {
  resync.onCompleted(async ({ head, left, found, since }) => {
    if (found.length > 0)
      background.start('sending to servers that were found in a room', async () => {
        await edus.sendMissedLists(head.num, since);
        await sending.sendAgain(await events.list(await timelines.after([head.num], since, SENT_AGAIN_MAX)));
      });
    await edus.forgetLists(left);
  });
}

/** Starts what goes on in the background. */
function startTasks(
  { database, background }: FederationBase,
  { staging, appender, handshakes, resync }: FederatedRooms,
  sending: ReturnType<typeof createSending>,
): void {
  background.start('processing events of other servers', () => staging.start());
  background.start('fetching the whole states of joined rooms', () => resync.start());
  background.start('sending to other servers', () => sending.start());
  appender.unsent.listen({
    newServer: (concurrent) =>
      background.start('sending events to a new server of a room', () => sending.sendAgain(concurrent)),
    removedServers: (cause, affected) =>
      background.start('sending an event to servers that it removes from a room', () =>
        sending.sendToRemoved(cause, affected),
      ),
  });
  handshakes.waitFor((server) => sending.sender.settled(server, SETTLED_MS));
  background.every(DAY_MS, 'deleting the oldest keys of other servers', () =>
    database.commit([trimServerKeys(SERVER_KEYS_MAX)]),
  );
}

function createClient(
  config: Config,
  { clock, random, log, dns = systemDns, network: otherNetwork, metrics }: FederationBase,
  ownKeys: OwnKeys,
  permits: Permits,
) {
  const addresses = new PublicAddresses(config.outbound.allowed_addresses);
  const network = { addresses, resolve: cachedResolve(dns.resolve, clock), clock };
  const pool = otherNetwork ?? new HttpsPool(network);
  const outbound = new Outbound(network);
  const delegations = new Delegations(
    fetchDelegationBy(outbound, () => clock.now()),
    clock,
  );
  const discovery = new Discovery(delegations, new Services(dns.resolveServices, clock, random));
  const { retry_min_ms: minMs, retry_max_ms: maxMs } = config.federation;
  const destinations = new Destinations(clock, random, { minMs, maxMs }, log);
  const client = new FederationClient({ ownKeys, permits, discovery, pool, destinations, clock, metrics });
  return { client, destinations, pool, outbound };
}

/** Returns the keys that were replaced. A key expires when the next one is created. */
async function oldKeys(database: Database): Promise<OldKey[]> {
  const keys = await readSigningKeys(database);
  return keys.flatMap((key, i) => {
    const next = keys[i - 1];
    return next === undefined ? [] : [oldKey(key, next.createdTs)];
  });
}

function oldKey({ keyId, seed }: StoredSigningKey, expiredTs: number): OldKey {
  return { keyId, publicKey: signingKeyFromSeed(seed, keyId).publicKey, expiredTs };
}
