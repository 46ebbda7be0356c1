import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { safeParse } from 'valibot';
import { errorText } from '../platform/error-text.ts';
import { describeKeys } from './describe.ts';
import type { KeyPath } from './key-path.ts';
import { ConfigError, explain, type Problem } from './problems.ts';
import { type Config, configSchema } from './schema.ts';

/** Values from the command line, which override the file. */
export interface Overrides {
  readonly serverName?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly listen?: readonly string[] | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Section = Record<string, unknown>;

/** The file that is read without `--config`, if it exists. */
const DEFAULT_FILE = 'hearth.yaml';

/**
 * Loads the configuration: the file, then secrets from the environment, then the command line. Paths in the file are
 * relative to its folder.
 * @throws ConfigError
 */
export async function loadConfig(
  file: string | undefined,
  overrides: Overrides,
  environment: Environment,
): Promise<Config> {
  const path = file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  const text = path === undefined ? '{}' : readText(path);
  const value = withoutNulls((await parseFile(path ?? '', text)) ?? {});
  const places = new Map<string, string>();
  if (isSection(value)) {
    addSecrets(value, environment, places);
    addOverrides(value, overrides, places);
  }
  const result = safeParse(configSchema, value);
  if (result.success) return resolvePaths(result.output, path === undefined ? '.' : dirname(path), overrides);
  const problems = result.issues.map(explain);
  throw new ConfigError(path === undefined ? inOrder(problems, places) : await inFile(path, text, problems, places));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`cannot read the configuration file: ${errorText(error)}`]);
  }
}

/** Parses a file. A file in JSON, which is also YAML, does not need the YAML library, which takes 20 ms to load. */
async function parseFile(path: string, text: string): Promise<unknown> {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // The file is YAML in braces, or has a mistake whose line the YAML parser reports.
    }
  }
  const { parseYaml } = await import('./yaml-file.ts');
  return parseYaml(path, text).value;
}

type Places = ReadonlyMap<string, string>;

function inOrder(problems: readonly Problem[], places: Places): string[] {
  return problems.map(({ path, message }) => `${elsewhere(path, places) ?? ''}${message}`);
}

async function inFile(file: string, text: string, problems: readonly Problem[], places: Places): Promise<string[]> {
  const { parseYaml } = await import('./yaml-file.ts');
  const parsed = parseYaml(file, text);
  const sorted = problems.toSorted((a, b) => parsed.line(a.path) - parsed.line(b.path));
  return sorted.map(({ path, message }) => `${elsewhere(path, places) ?? `${file}:${parsed.line(path)}: `}${message}`);
}

/** Returns the source of a value that does not come from the file. */
function elsewhere(path: KeyPath, places: Places): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const place = places.get(path.slice(0, length).join('.'));
    if (place !== undefined) return place;
  }
  return undefined;
}

/** Removes nulls. A section whose keys are all commented out is null in YAML. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isSection(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member)]));
}

function addSecrets(value: Section, environment: Environment, places: Map<string, string>): void {
  for (const { path, about } of describeKeys()) {
    const secret = about.env === undefined ? undefined : environment[about.env];
    if (secret === undefined || secret === '') continue;
    put(value, path, secret);
    places.set(path.join('.'), `environment variable ${about.env}: `);
  }
}

function put(value: Section, [key = '', ...rest]: readonly string[], secret: string): void {
  const below = value[key];
  const section = isSection(below) ? { ...below } : {};
  value[key] = rest.length === 0 ? secret : section;
  if (rest.length > 0) put(section, rest, secret);
}

function addOverrides(value: Section, overrides: Overrides, places: Map<string, string>): void {
  const { serverName, dataDir, listen } = overrides;
  const options = { server_name: serverName, data_dir: dataDir, listen };
  for (const [key, given] of Object.entries(options)) {
    if (given === undefined) continue;
    value[key] = given;
    places.set(key, `--${key.replaceAll('_', '-')}: `);
  }
}

function resolvePaths(config: Config, folder: string, overrides: Overrides): Config {
  const below = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));
  return {
    ...config,
    data_dir: overrides.dataDir === undefined ? resolve(folder, config.data_dir) : resolve(overrides.dataDir),
    application_services: config.application_services.map((file) => resolve(folder, file)),
    outbound: {
      ...config.outbound,
      trusted_ca_file: below(config.outbound.trusted_ca_file),
    },
    media: {
      ...config.media,
      folder: below(config.media.folder),
    },
    listen: config.listen.map(({ tls, ...at }) => ({
      ...at,
      tls: tls && { certificate: resolve(folder, tls.certificate), key: resolve(folder, tls.key) },
    })),
  };
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
