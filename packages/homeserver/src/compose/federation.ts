import { signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { Config } from '../config/schema.ts';
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
import { isPublicDomain } from '../federation/public-domain.ts';
import { keyQueryRoutes } from '../federation-api/keys/query.ts';
import { serverKeyRoutes } from '../federation-api/keys/server.ts';
import { queryProfileRoutes } from '../federation-api/query/profile.ts';
import { versionRoutes } from '../federation-api/version.ts';
import { serverWellKnownRoutes } from '../federation-api/well-known.ts';
import type { Route } from '../http/route.ts';
import type { AuthenticateServer } from '../http/signed-request.ts';
import { DAY_MS } from '../platform/clock.ts';
import { cachedResolve, systemResolve, systemResolveServices } from '../platform/outbound/dns.ts';
import { HttpsPool } from '../platform/outbound/https-pool.ts';
import { Outbound } from '../platform/outbound/outbound.ts';
import { RemoteProfiles } from '../profile/remote-profiles.ts';
import type { Signer } from '../rooms/events/signer.ts';
import type { Database } from '../storage/engine/database.ts';
import { trimServerKeys } from '../storage/federation/server-keys.ts';
import { readSigningKeys, type StoredSigningKey } from '../storage/rooms/signing-keys.ts';
import type { Base } from './base.ts';
import type { Domains } from './domains.ts';

type FederationBase = Pick<Base, 'database' | 'clock' | 'random' | 'background'>;

/** The objects of the exchange with other servers. */
export interface Federation {
  readonly ownKeys: OwnKeys;
  readonly notary: Notary;
  readonly profiles: RemoteProfiles;
  readonly authenticateServer: AuthenticateServer;
  close(): void;
}

/** The number of keys of other servers that are kept; the keys of servers not heard from for the longest time go first. */
const SERVER_KEYS_MAX = 500_000;

/** Creates the exchange with other servers; returns undefined if the configuration disables it. */
export async function openFederation(
  config: Config,
  base: FederationBase,
  signer: Signer,
): Promise<Federation | undefined> {
  if (!(config.federation.enabled ?? isPublicDomain(config.server_name))) return undefined;
  const { database, clock, background } = base;
  const ownKeys = new OwnKeys(config.server_name, signer.key, await oldKeys(database), clock);
  const { allow, deny, key_servers: keyServers } = config.federation;
  const permits = new Permits(allow, deny);
  const { client, destinations, pool } = await openClient(config, base, ownKeys, permits);
  const fetcher = new KeyFetcher(client, clock, keyServers);
  const keyRing = new KeyRing({ database, fetcher, ownKeys, clock });
  background.every(DAY_MS, 'deleting the oldest keys of other servers', () =>
    database.commit([trimServerKeys(SERVER_KEYS_MAX)]),
  );
  return {
    ownKeys,
    notary: new Notary(ownKeys, keyRing, clock),
    profiles: new RemoteProfiles(client, clock),
    authenticateServer: authenticateServerBy({ ownKeys, keyRing, permits, destinations, clock }),
    close: () => pool.close(),
  };
}

/** Returns the routes of the folder `federation`. */
export function federationRoutes(
  config: Config,
  { userData }: Pick<Domains, 'userData'>,
  federation: Federation | undefined,
): Route[] {
  if (federation === undefined) return [];
  return [
    ...keyQueryRoutes(federation.notary),
    ...serverKeyRoutes(federation.ownKeys),
    ...queryProfileRoutes(userData.profiles),
    ...versionRoutes(manifest.version),
    ...serverWellKnownRoutes(config.federation.delegate_to),
  ];
}

async function openClient(
  config: Config,
  { clock, random }: Pick<Base, 'clock' | 'random'>,
  ownKeys: OwnKeys,
  permits: Permits,
) {
  const { PublicAddresses } = await import('../platform/outbound/public-addresses.ts');
  const addresses = new PublicAddresses(config.outbound.allowed_addresses);
  const network = { addresses, resolve: cachedResolve(systemResolve, clock), clock };
  const pool = new HttpsPool(network);
  const delegations = new Delegations(
    fetchDelegationBy(new Outbound(network), () => clock.now()),
    clock,
  );
  const discovery = new Discovery(delegations, new Services(systemResolveServices, clock, random));
  const { retry_min_ms: minMs, retry_max_ms: maxMs } = config.federation;
  const destinations = new Destinations(clock, random, { minMs, maxMs });
  const client = new FederationClient({ ownKeys, permits, discovery, pool, destinations, clock });
  return { client, destinations, pool };
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
