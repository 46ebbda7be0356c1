import { readListen, readTrustedAuthorities } from '../compose/settings.ts';
import { type ConfigOptions, readConfig } from './options.ts';

/** `hearth check-config`: checks the configuration and the certificates, and changes nothing. @throws ConfigError */
export async function checkConfig(options: ConfigOptions): Promise<void> {
  const config = await readConfig(options);
  config.listen.map(readListen);
  readTrustedAuthorities(config);
  process.stdout.write('The configuration is valid.\n');
}
