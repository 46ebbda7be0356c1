import { readFileSync } from 'node:fs';
import { ApplicationServices } from '../application-services/application-services.ts';
import { type ApplicationService, readRegistration } from '../application-services/registration.ts';
import { ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { errorText } from '../platform/error-text.ts';
import type { Users } from './users.ts';

/** The members of registrations that have to differ, and their names in registration files. */
const UNIQUE = [
  ['id', 'id'],
  ['ownToken', 'as_token'],
  ['senderId', 'sender_localpart'],
] as const;

/** Reads the registration files of application services. @throws ConfigError */
export async function readApplicationServices(config: Config): Promise<ApplicationServices> {
  const services: ApplicationService[] = [];
  for (const file of config.application_services) {
    const service = await readFile(file, config);
    for (const [member, key] of UNIQUE) {
      if (services.some((other) => other[member] === service[member]))
        throw new ConfigError([`${file}: another application service has the same ${key}; each needs its own`]);
    }
    services.push(service);
  }
  return new ApplicationServices(services, config.server_name);
}

/** Creates the accounts of the application services themselves. */
export async function createSenders({ all }: ApplicationServices, { accounts }: Users): Promise<void> {
  for (const { senderId } of all) {
    if ((await accounts.find(senderId)) === undefined) await accounts.create(senderId, {});
  }
}

async function readFile(file: string, { server_name }: Config): Promise<ApplicationService> {
  const { parseYaml } = await import('../config/yaml-file.ts');
  const parsed = parseYaml(file, textOf(file));
  const { service, problems } = readRegistration(parsed.value, server_name);
  if (service !== undefined) return service;
  throw new ConfigError(
    problems.map(({ path, message }) => `${file}:${parsed.line(path)}: ${path.join('.')}: ${message}`),
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`cannot read the registration of an application service: ${errorText(error)}`]);
  }
}
