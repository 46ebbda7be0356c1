import { forbidden, missingToken, unknownDevice, unknownToken, userDeactivated } from '@hearth/protocol/errors.ts';
import type { ApplicationServices } from '../../application-services/application-services.ts';
import type { ApplicationService } from '../../application-services/registration.ts';
import { readDevice } from '../../storage/accounts/devices.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Accounts } from '../accounts.ts';
import type { Session } from './authenticator.ts';

/** The user and the device for which an application service acts. */
export interface ActingFor {
  /** Undefined: the user of the application service itself. */
  readonly userId: string | undefined;
  readonly deviceId: string | undefined;
}

/** Finds the users for which application services act (application service API, "Identity assertion"). */
export class ApplicationServiceSessions {
  readonly #services: ApplicationServices;
  readonly #accounts: Accounts;
  readonly #database: Database;

  constructor(services: ApplicationServices, accounts: Accounts, database: Database) {
    this.#services = services;
    this.#accounts = accounts;
    this.#database = database;
  }

  /** Returns the application service that authenticates by a token. */
  serviceOf(token: string): ApplicationService | undefined {
    return this.#services.byToken(token);
  }

  /**
   * Returns the application service that authenticates by a token.
   * @throws MatrixError M_MISSING_TOKEN, M_UNKNOWN_TOKEN
   */
  requireService(token: string | undefined): ApplicationService {
    if (token === undefined) throw missingToken();
    const service = this.serviceOf(token);
    if (service === undefined) throw unknownToken();
    return service;
  }

  /** Returns the session of a user for which an application service acts. @throws MatrixError */
  async find(service: ApplicationService, { userId = service.senderId, deviceId }: ActingFor): Promise<Session> {
    if (!this.#services.ownsUser(service, userId))
      throw forbidden('The user is not in a namespace of the application service');
    const account = await this.#accounts.find(userId);
    if (account === undefined) throw forbidden('The application service has not registered this user');
    if (account.isDeactivated) throw userDeactivated();
    const { user, isGuest, isAdmin, isLocked, isSuspended } = account;
    return {
      userId,
      user,
      deviceId,
      device: deviceId === undefined ? -user : await this.#deviceNum(user, deviceId),
      isGuest,
      isAdmin,
      isLocked,
      isSuspended,
      applicationService: service.id,
      isUnlimited: !service.isRateLimited || userId === service.senderId,
    };
  }

  async #deviceNum(user: number, deviceId: string): Promise<number> {
    const device = await readDevice(this.#database, user, deviceId);
    if (device === undefined) throw unknownDevice('The user has no device with this id');
    return device.num;
  }
}
