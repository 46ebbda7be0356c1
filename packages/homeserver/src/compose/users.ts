import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { ApplicationServices } from '../application-services/application-services.ts';
import { AccountChanges } from '../users/account-changes.ts';
import { Accounts } from '../users/accounts.ts';
import { AdminView } from '../users/admin-view.ts';
import { InteractiveAuth } from '../users/credentials/interactive-auth.ts';
import { OwnerCheck } from '../users/credentials/owner-check.ts';
import { type PasswordAttempts, PasswordCheck } from '../users/credentials/password-check.ts';
import { type PasswordCost, Passwords } from '../users/credentials/passwords.ts';
import { ErasedUsers } from '../users/erased-users.ts';
import { GuestUpgrade } from '../users/registration/guest-upgrade.ts';
import { type RegistrationPolicy, Registrations } from '../users/registration/registration.ts';
import { RegistrationTokens } from '../users/registration/registration-tokens.ts';
import { SharedSecretRegistration } from '../users/registration/shared-secret.ts';
import { ApplicationServiceSessions } from '../users/sessions/application-service-sessions.ts';
import { Authenticator } from '../users/sessions/authenticator.ts';
import { DeviceNumbers } from '../users/sessions/device-numbers.ts';
import { Devices } from '../users/sessions/devices.ts';
import { LastSeen } from '../users/sessions/last-seen.ts';
import { Logins } from '../users/sessions/logins.ts';
import { Sessions } from '../users/sessions/sessions.ts';
import type { Base } from './base.ts';

export interface UsersSettings {
  readonly serverName: ServerName;
  readonly applicationServices: ApplicationServices;
  readonly registration: RegistrationPolicy;
  readonly guests: boolean;
  readonly sharedSecret: string | undefined;
  readonly passwordCost: PasswordCost;
  readonly passwordAttempts: PasswordAttempts;
  /** The lifetime of an access token with a refresh token, in milliseconds. */
  readonly accessTokenMs: number;
}

/** Creates accounts, sessions, devices, logins and registration. */
export async function openUsers(
  { database, names, stream, clock, random }: Omit<Base, 'background'>,
  settings: UsersSettings,
) {
  const { serverName, applicationServices, accessTokenMs } = settings;
  const accounts = new Accounts(database, names, new Passwords(settings.passwordCost, random), clock);
  const authenticator = new Authenticator(database, names, clock);
  const deviceNumbers = new DeviceNumbers(database);
  const sessions = await Sessions.open({
    database,
    stream,
    deviceNumbers,
    authenticator,
    clock,
    random,
    accessTokenMs,
  });
  const erasedUsers = await ErasedUsers.open(database);
  const lastSeen = new LastSeen(database, clock);
  const passwordCheck = new PasswordCheck(accounts, clock, settings.passwordAttempts);
  const interactiveAuth = new InteractiveAuth(clock, random);
  const guestUpgrade = new GuestUpgrade(accounts, authenticator, sessions);
  const tokens = new RegistrationTokens(database, clock, random);
  const policy = { serverName, policy: settings.registration, guests: settings.guests };
  return {
    accounts,
    authenticator,
    sessions,
    deviceNumbers,
    erasedUsers,
    lastSeen,
    registrationTokens: tokens,
    devices: new Devices(database, lastSeen),
    registrations: new Registrations({
      accounts,
      tokens,
      interactiveAuth,
      guestUpgrade,
      random,
      applicationServices,
      settings: policy,
    }),
    serviceSessions: new ApplicationServiceSessions(applicationServices, accounts, database),
    logins: new Logins({ accounts, applicationServices, passwordCheck, server: serverName, clock, random }),
    ownerCheck: new OwnerCheck({ accounts, passwordCheck, interactiveAuth, server: serverName }),
    sharedSecret: new SharedSecretRegistration(accounts, settings, clock, random),
    accountChanges: new AccountChanges({ accounts, sessions, authenticator, erasedUsers, stream }),
    adminView: new AdminView(accounts, serverName),
  };
}

export type Users = Awaited<ReturnType<typeof openUsers>>;
