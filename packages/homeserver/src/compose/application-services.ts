import { userId } from '@hearth/protocol/identifiers/user-id.ts';
import { ApplicationServices } from '../application-services/application-services.ts';
import { ApplicationServiceClient } from '../application-services/client.ts';
import { type ApplicationService, applicationServiceOf } from '../application-services/registration.ts';
import { ConfigError } from '../config/problems.ts';
import { readRegistrationFile } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import { ConfiguredHttp } from '../platform/outbound/configured-http.ts';
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
    const registration = await readRegistrationFile(file);
    const senderId = userId(registration.sender_localpart, config.server_name);
    if (senderId === undefined) throw new ConfigError([`${file}: sender_localpart is not the localpart of a user id`]);
    const service = applicationServiceOf(registration, senderId);
    for (const [member, key] of UNIQUE) {
      if (services.some((other) => other[member] === service[member]))
        throw new ConfigError([`${file}: another application service has the same ${key}; each needs its own`]);
    }
    services.push(service);
  }
  return new ApplicationServices(services, config.server_name);
}

/** Creates the client for requests to application services. */
export function openServiceClient(clock: Clock): { readonly client: ApplicationServiceClient; close(): void } {
  const http = new ConfiguredHttp(clock);
  return { client: new ApplicationServiceClient(http), close: () => http.close() };
}

/** Creates the accounts of the application services themselves. */
export async function createSenders({ all }: ApplicationServices, { accounts }: Users): Promise<void> {
  for (const { senderId } of all) {
    if ((await accounts.find(senderId)) === undefined) await accounts.create(senderId, {});
  }
}
