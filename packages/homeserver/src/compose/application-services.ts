import { userId } from '@hearth/protocol/identifiers/user-id.ts';
import { ApplicationServices } from '../application-services/application-services.ts';
import { ApplicationServiceClient } from '../application-services/client.ts';
import { ServicePings } from '../application-services/ping.ts';
import { ServiceQuestions } from '../application-services/questions.ts';
import { type ApplicationService, applicationServiceOf } from '../application-services/registration.ts';
import { ThirdPartyNetworks } from '../application-services/third-party-networks.ts';
import { ConfigError } from '../config/problems.ts';
import { readRegistrationFile } from '../config/registration-file.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import { ConfiguredHttp } from '../platform/outbound/configured-http.ts';
import { SERVICE_USER } from '../storage/accounts/accounts.ts';
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

export type ConnectedServices = Awaited<ReturnType<typeof openApplicationServices>>;

/** Reads the registrations of application services, and creates everything that sends requests to them. @throws ConfigError */
export async function openApplicationServices(config: Config, clock: Clock) {
  const registered = await readApplicationServices(config);
  const http = new ConfiguredHttp(clock);
  const client = new ApplicationServiceClient(http);
  const questions = new ServiceQuestions(registered, client, clock);
  return {
    registered,
    client,
    questions,
    /** The owners of aliases, for rooms. */
    aliasOwners: {
      checkAlias: (alias: string, by?: string) => registered.checkAlias(alias, by),
      ownsAlias: (id: string, alias: string) => registered.ownsAlias(id, alias),
      createsAlias: (alias: string) => questions.createsAlias(alias),
    },
    networks: new ThirdPartyNetworks(registered, client, clock),
    pings: new ServicePings(registered, client, clock),
    close: () => http.close(),
  };
}

/** Creates the accounts of the application services themselves. */
export async function createSenders({ all }: ApplicationServices, { accounts }: Users): Promise<void> {
  for (const { senderId } of all) {
    if ((await accounts.find(senderId)) === undefined) await accounts.create(senderId, { userType: SERVICE_USER });
  }
}
