import { loadConfig, type Overrides } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** The options that all commands share. */
export interface ConfigOptions extends Overrides {
  readonly config?: string;
}

/** Returns the configuration that a command works with. @throws ConfigError */
export function readConfig({ config, ...overrides }: ConfigOptions): Promise<Config> {
  return loadConfig(config, overrides, process.env);
}
