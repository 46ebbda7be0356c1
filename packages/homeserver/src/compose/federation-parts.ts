import { signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import manifest from '../../package.json' with { type: 'json' };
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
import { keyQueryRoutes } from '../federation-api/keys/query.ts';
import { serverKeyRoutes } from '../federation-api/keys/server.ts';
import { federatedDownloadRoutes } from '../federation-api/media/download.ts';
import { federatedThumbnailRoutes } from '../federation-api/media/thumbnail.ts';
import { userinfoRoutes } from '../federation-api/openid/userinfo.ts';
import { federatedPublicRoomsRoutes } from '../federation-api/public-rooms.ts';
import { queryDirectoryRoutes } from '../federation-api/query/directory.ts';
import { queryProfileRoutes } from '../federation-api/query/profile.ts';
import { sendTransactionRoutes } from '../federation-api/send.ts';
import { userDevicesRoutes } from '../federation-api/user/devices.ts';
import { userKeyClaimRoutes } from '../federation-api/user/keys/claim.ts';
import { userKeyQueryRoutes } from '../federation-api/user/keys/query.ts';
import { versionRoutes } from '../federation-api/version.ts';
import { serverWellKnownRoutes } from '../federation-api/well-known.ts';
import { FederatedMedia } from '../media/remote/federated-media.ts';
import { DAY_MS } from '../platform/clock.ts';
import { cachedResolve, systemDns } from '../platform/outbound/dns.ts';
import { HttpsPool } from '../platform/outbound/https-pool.ts';
import { Outbound } from '../platform/outbound/outbound.ts';
import { PublicAddresses } from '../platform/outbound/public-addresses.ts';
import type { Database } from '../storage/engine/database.ts';
import { trimServerKeys } from '../storage/federation/server-keys.ts';
import { readSigningKeys, type StoredSigningKey } from '../storage/rooms/signing-keys.ts';
import type { Domains } from './domains.ts';
import type { Federation, FederationBase } from './federation.ts';
import { createEdus } from './federation-edus.ts';
import { type FederatedRooms, openFederatedRooms } from './federation-rooms.ts';
import { createSending } from './federation-sending.ts';
import { servingRoutes } from './federation-serving.ts';

/** The number of keys of other servers that are kept; the keys that were fetched first are deleted first. */
const SERVER_KEYS_MAX = 500_000;

/** The longest time that a join waits until the other server has the events that were sent to it before. */
const SETTLED_MS = 1_000;

/** Creates the objects and routes of federation. */
export async function createFederation(config: Config, base: FederationBase, domains: Domains): Promise<Federation> {
  const { database, clock, random } = base;
  const ownKeys = new OwnKeys(config.server_name, domains.rooms.signer.key, await oldKeys(database), clock);
  const { contents, thumbnails, blobs, settings } = domains.media;
  const { allow, deny, key_servers: keyServers, delegate_to: delegateTo } = config.federation;
  const { show_device_names: showsDeviceNames } = config.federation;
  const { encryption } = domains;
  const permits = new Permits(allow, deny);
  const { client, destinations, pool, outbound } = createClient(config, base, ownKeys, permits);
  const fetcher = new KeyFetcher(client, clock, keyServers);
  const keyRing = new KeyRing({ database, fetcher, ownKeys, clock });
  const { serverName } = ownKeys;
  const federatedRooms = await openFederatedRooms(base, domains, client, keyRing);
  const sending = createSending(base, domains, { client, destinations, rooms: federatedRooms, serverName });
  const { servers } = federatedRooms;
  const edus = createEdus(config, base, domains, { queue: sending.sender, servers, client, destinations });
  followCompletions(base, domains, federatedRooms, { sending, edus });
  startTasks(base, federatedRooms, sending);
  return {
    routes: [
      ...keyQueryRoutes(new Notary(ownKeys, keyRing, clock)),
      ...serverKeyRoutes(ownKeys),
      ...federatedDownloadRoutes(contents, blobs),
      ...federatedThumbnailRoutes(contents, thumbnails, blobs),
      ...userinfoRoutes(domains.services.openIdTokens),
      ...federatedPublicRoomsRoutes(domains.directory.publicRooms, config.room_directory.public_list),
      ...queryDirectoryRoutes(domains.directory.roomDirectory, federatedRooms.servers),
      ...queryProfileRoutes(domains.userData.profiles),
      ...servingRoutes(config, base, domains, { ...federatedRooms, client, alsoSend: sending.alsoSend }),
      ...sendTransactionRoutes(federatedRooms.staging, edus.received),
      ...userDevicesRoutes(encryption.deviceListReader, showsDeviceNames),
      ...userKeyClaimRoutes(encryption.keyClaims, ownKeys.serverName),
      ...userKeyQueryRoutes(encryption.keyQueries, ownKeys.serverName, showsDeviceNames),
      ...versionRoutes(manifest.version),
      ...serverWellKnownRoutes(delegateTo),
    ],
    profiles: edus.profiles,
    directory: new RemoteDirectory(client),
    rooms: new RemoteRooms({ client, heads: domains.rooms.heads, servers, clock }),
    keys: new RemoteKeys(client, clock),
    followedKeys: edus.followedKeys,
    media: new FederatedMedia({ client, outbound, clock, bytesMax: settings.uploadBytesMax }),
    authenticateServer: authenticateServerBy({ ownKeys, keyRing, permits, destinations, clock }),
    toDevice: new RemoteInboxes(sending.sender, clock, random),
    memberships: federatedRooms.memberRequests,
    history: federatedRooms.backfill,
    timestamps: federatedRooms.timestamps,
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
