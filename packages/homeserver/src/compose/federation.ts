import { signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { Config } from '../config/schema.ts';
import { type OldKey, OwnKeys } from '../federation/keys/own-keys.ts';
import { isPublicDomain } from '../federation/public-domain.ts';
import { serverKeyRoutes } from '../federation-api/keys/server.ts';
import { versionRoutes } from '../federation-api/version.ts';
import { serverWellKnownRoutes } from '../federation-api/well-known.ts';
import type { Route } from '../http/route.ts';
import type { Signer } from '../rooms/events/signer.ts';
import type { Database } from '../storage/engine/database.ts';
import { readSigningKeys, type StoredSigningKey } from '../storage/rooms/signing-keys.ts';
import type { Base } from './base.ts';

/** The objects of the exchange with other servers. */
export interface Federation {
  readonly ownKeys: OwnKeys;
}

/** Returns whether the server exchanges data with other servers. */
function federates({ federation, server_name }: Config): boolean {
  return federation.enabled ?? isPublicDomain(server_name);
}

/** Creates the exchange with other servers; returns undefined if the configuration disables it. */
export async function openFederation(
  config: Config,
  { database, clock }: Pick<Base, 'database' | 'clock'>,
  signer: Signer,
): Promise<Federation | undefined> {
  if (!federates(config)) return undefined;
  const ownKeys = new OwnKeys(signer.serverName, signer.key, await oldKeys(database), clock);
  return { ownKeys };
}

/** Returns the routes of the folder `federation`. */
export function federationRoutes(config: Config, federation: Federation | undefined): Route[] {
  if (federation === undefined) return [];
  return [
    ...serverKeyRoutes(federation.ownKeys),
    ...versionRoutes(manifest.version),
    ...serverWellKnownRoutes(config.federation.delegate_to),
  ];
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
