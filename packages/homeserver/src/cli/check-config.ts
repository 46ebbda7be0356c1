import { readListen, readTrustedAuthorities } from '../compose/settings.ts';
import { type ConfigOptions, readConfig } from './options.ts';

/** Runs `hearth check-config`, which checks the configuration and the certificates, and changes nothing. */
export async function checkConfig(options: ConfigOptions): Promise<void> {
  const config = await readConfig(options);
  config.listen.map(readListen);
  readTrustedAuthorities(config);
  process.stdout.write('The configuration is valid.\n');
}
