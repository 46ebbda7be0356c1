import { parseRoomAlias } from '@hearth/protocol/identifiers/room-alias.ts';
import type { ApplicationServices } from '../application-services/application-services.ts';
import type { Write } from '../storage/engine/database.ts';
import type { AliasRow, AliasStore } from '../storage/rooms/alias-store.ts';

/** The application services, which may reserve and create aliases. */
export interface AliasOwners extends Pick<ApplicationServices, 'checkAlias' | 'ownsAlias'> {
  /** Returns whether an application service has created an alias that did not exist. */
  createsAlias(alias: string): Promise<boolean>;
}

/** A user who creates or deletes an alias, or an application service that acts for one. */
interface AliasActor {
  readonly applicationService?: string;
}

/** The room aliases of this server. */
export class Aliases {
  readonly #store: AliasStore;
  readonly #serverName: string;
  readonly #services: AliasOwners;

  constructor(store: AliasStore, serverName: string, services: AliasOwners) {
    this.#store = store;
    this.#serverName = serverName;
    this.#services = services;
  }

  /**
   * Checks whether an alias is reserved by an application service other than the one that acts.
   * @throws MatrixError M_EXCLUSIVE
   */
  checkReserved(alias: string, { applicationService }: AliasActor): void {
    this.#services.checkAlias(alias, applicationService);
  }

  /** Returns whether an alias is in a namespace of the application service that acts. */
  isOwn(alias: string, { applicationService }: AliasActor): boolean {
    return applicationService !== undefined && this.#services.ownsAlias(applicationService, alias);
  }

  /** Returns whether a text is a valid alias of this server. */
  isValid(alias: string): boolean {
    return parseRoomAlias(alias) !== undefined && alias.endsWith(`:${this.#serverName}`) && !/\s/.test(alias);
  }

  find(alias: string): Promise<AliasRow | undefined> {
    return this.#store.find(alias);
  }

  /** Returns an alias that exists, or that an application service creates because of this request. */
  async findOrCreate(alias: string): Promise<AliasRow | undefined> {
    const row = await this.find(alias);
    if (row !== undefined || !this.isValid(alias)) return row;
    return (await this.#services.createsAlias(alias)) ? this.find(alias) : undefined;
  }

  ofRoom(room: number): Promise<AliasRow[]> {
    return this.#store.ofRoom(room);
  }

  /** Returns the write that adds an alias. It is a guard, which fails when the alias exists. */
  insert(alias: string, room: number, creator: number): Write {
    return this.#store.insert(alias, room, creator);
  }

  /** Returns the write that moves all aliases of a room to another room. */
  move(from: number, to: number): Write {
    return this.#store.move(from, to);
  }

  /** Returns the write that removes an alias. It is a guard, which fails when the alias does not exist. */
  remove(alias: string): Write {
    return this.#store.remove(alias);
  }
}
