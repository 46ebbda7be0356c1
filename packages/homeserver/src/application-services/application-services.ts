import { exclusive } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { ApplicationService } from './registration.ts';

/** The application services of the configuration. */
export class ApplicationServices {
  readonly all: readonly ApplicationService[];
  readonly #server: ServerName;
  readonly #byToken: ReadonlyMap<string, ApplicationService>;
  readonly #byId: ReadonlyMap<string, ApplicationService>;

  /** @param all application services with different ids and tokens */
  constructor(all: readonly ApplicationService[], server: ServerName) {
    this.all = all;
    this.#server = server;
    this.#byToken = new Map(all.map((service) => [service.ownToken, service]));
    this.#byId = new Map(all.map((service) => [service.id, service]));
  }

  /** Returns the application service that authenticates by a token. */
  byToken(token: string): ApplicationService | undefined {
    return this.#byToken.get(token);
  }

  byId(id: string): ApplicationService | undefined {
    return this.#byId.get(id);
  }

  /** Returns whether a user is one of an application service: its sender, or a user of this server in its namespaces. */
  ownsUser(service: ApplicationService, userId: string): boolean {
    return userId === service.senderId || (userId.endsWith(`:${this.#server}`) && service.users.has(userId));
  }

  /** Returns whether a room alias is in a namespace of an application service. */
  ownsAlias(id: string, alias: string): boolean {
    return this.byId(id)?.aliases.has(alias) === true;
  }

  /**
   * Checks whether somebody may create an account.
   * @param by the application service that creates it, if one does
   * @throws MatrixError M_EXCLUSIVE (application service API, "Server admin style permissions")
   */
  checkUser(userId: string, by?: ApplicationService): void {
    if (by !== undefined && !this.ownsUser(by, userId))
      throw exclusive('The user id is not in a namespace of the application service');
    const isReserved = this.all.some(
      (service) => service !== by && (service.senderId === userId || service.users.reserves(userId)),
    );
    if (isReserved) throw exclusive('The user id is reserved by an application service');
  }

  /**
   * Checks whether somebody may create or delete a room alias of this server.
   * @param by the id of the application service that does it, if one does
   * @throws MatrixError M_EXCLUSIVE
   */
  checkAlias(alias: string, by?: string): void {
    if (by !== undefined && !this.ownsAlias(by, alias))
      throw exclusive('The room alias is not in a namespace of the application service');
    if (this.all.some((service) => service.id !== by && service.aliases.reserves(alias)))
      throw exclusive('The room alias is reserved by an application service');
  }
}
