import type { Config } from '../config/schema.ts';
import { Doctor } from '../doctor/doctor.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkDatabase, checkDataFolder, checkListenerCertificate } from '../doctor/machine-check.ts';
import { NameCheck } from '../doctor/name-check.ts';
import { PeerCheck } from '../doctor/peer-check.ts';
import { fetchDelegationBy } from '../federation/discovery/well-known.ts';
import { systemDns } from '../platform/outbound/dns.ts';
import { HttpsPool } from '../platform/outbound/https-pool.ts';
import { Outbound } from '../platform/outbound/outbound.ts';
import { PublicAddresses } from '../platform/outbound/public-addresses.ts';
import { trustAuthorities } from '../platform/outbound/trusted-authorities.ts';
import { readDatabaseStatus } from '../storage/engine/status/database-status.ts';
import type { Machine } from './machine.ts';
import { readListen, readTrustedAuthorities } from './settings.ts';

/** The objects of the command `doctor`. */
export interface Examination {
  readonly doctor: Doctor;
  /** Checks the configured server on this machine: listeners, disk, database. @throws ConfigError */
  ofMachine(): AsyncIterable<Finding>;
  close(): void;
}

/** Creates the objects that examine servers. @throws ConfigError for certificates that cannot be read */
export function openDoctor(
  config: Config,
  { clock, random, dns = systemDns }: Pick<Machine, 'clock' | 'random' | 'dns'>,
): Examination {
  const authorities = readTrustedAuthorities(config);
  if (authorities !== undefined) trustAuthorities(authorities);
  const addresses = new PublicAddresses(config.outbound.allowed_addresses);
  const network = { addresses, resolve: dns.resolve, clock };
  const pool = new HttpsPool(network);
  const fetchDelegation = fetchDelegationBy(new Outbound(network), () => clock.now());
  const names = new NameCheck({ fetchDelegation, dns, addresses, clock, random });
  return {
    doctor: new Doctor(names, new PeerCheck(pool, clock)),
    ofMachine: () => examineMachine(config, clock.now()),
    close: () => pool.close(),
  };
}

async function* examineMachine(config: Config, nowMs: number): AsyncIterable<Finding> {
  const { url } = config.database;
  for (const { host, port, tls } of config.listen.map(readListen))
    if (tls !== undefined) yield checkListenerCertificate(`${host}:${port}`, tls.cert, nowMs);
  yield await checkDataFolder(config.data_dir);
  yield await checkDatabase(() => readDatabaseStatus(url === undefined ? { dataDir: config.data_dir } : { url }));
}
