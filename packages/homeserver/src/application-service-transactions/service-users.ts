import type { ApplicationServices } from '../application-services/application-services.ts';
import type { ApplicationService } from '../application-services/registration.ts';
import { readAccountNames } from '../storage/accounts/accounts.ts';
import type { Database } from '../storage/engine/database.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

const NOBODY: ReadonlySet<number> = new Set();

/** The users of application services, by the numbers of their ids. */
export class ServiceUsers {
  readonly #services: ApplicationServices;
  readonly #users = new Map<string, Set<number>>();

  private constructor(services: ApplicationServices) {
    this.#services = services;
  }

  static async open(services: ApplicationServices, database: Database): Promise<ServiceUsers> {
    const users = new ServiceUsers(services);
    for (const { user_num: user, user_id: userId } of await readAccountNames(database)) users.#learn(user, userId);
    return users;
  }

  /** Learns of new users from their events and from events about them. */
  learnFrom({ sender, senderNum, type, stateKey, stateKeyNum }: StoredEvent): void {
    this.#learn(senderNum, sender);
    if (type === 'm.room.member' && stateKey !== undefined && stateKeyNum !== null) this.#learn(stateKeyNum, stateKey);
  }

  of({ id }: ApplicationService): ReadonlySet<number> {
    return this.#users.get(id) ?? NOBODY;
  }

  #learn(user: number, userId: string): void {
    for (const service of this.#services.all) {
      if (!this.#services.ownsUser(service, userId)) continue;
      const users = this.#users.get(service.id) ?? new Set();
      this.#users.set(service.id, users.add(user));
    }
  }
}
