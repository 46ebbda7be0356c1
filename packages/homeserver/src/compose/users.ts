import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
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
import { Authenticator } from '../users/sessions/authenticator.ts';
import { DeviceNumbers } from '../users/sessions/device-numbers.ts';
import { Devices } from '../users/sessions/devices.ts';
import { LastSeen } from '../users/sessions/last-seen.ts';
import { Logins } from '../users/sessions/logins.ts';
import { Sessions } from '../users/sessions/sessions.ts';

export interface UsersSettings {
  readonly serverName: ServerName;
  readonly registration: RegistrationPolicy;
  readonly guests: boolean;
  readonly sharedSecret: string | undefined;
  readonly passwordCost: PasswordCost;
  readonly passwordAttempts: PasswordAttempts;
  /** The lifetime of an access token with a refresh token, in milliseconds. */
  readonly accessTokenMs: number;
}

export interface UsersBase {
  readonly database: Database;
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly random: Random;
}

/** Creates the parts of the domain: accounts, sessions, devices, logins, registration. */
export async function openUsers({ database, names, stream, clock, random }: UsersBase, settings: UsersSettings) {
  const { serverName, accessTokenMs } = settings;
  const accounts = new Accounts(database, names, new Passwords(settings.passwordCost, random), clock);
  const authenticator = new Authenticator(database, names, clock);
  const deviceNumbers = new DeviceNumbers(database);
  const base = { database, stream, deviceNumbers, authenticator, clock, random };
  const sessions = await Sessions.open({ ...base, accessTokenMs });
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
    registrations: new Registrations({ accounts, tokens, interactiveAuth, guestUpgrade, random, settings: policy }),
    logins: new Logins({ accounts, passwordCheck, server: serverName, clock, random }),
    ownerCheck: new OwnerCheck({ accounts, passwordCheck, interactiveAuth, server: serverName }),
    sharedSecret: new SharedSecretRegistration(accounts, settings, clock, random),
    accountChanges: new AccountChanges({ ...base, accounts, sessions, erasedUsers }),
    adminView: new AdminView(accounts, serverName),
  };
}

/** The parts of the domain. */
export type Users = Awaited<ReturnType<typeof openUsers>>;
