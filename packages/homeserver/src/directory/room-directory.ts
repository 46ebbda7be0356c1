import { forbidden, invalidParam, MatrixError, matrixError, notFound } from '@hearth/protocol/errors.ts';
import { parseRoomAlias } from '@hearth/protocol/identifiers/room-alias.ts';
import type { Acceptor } from '../rooms/accept.ts';
import type { Aliases } from '../rooms/aliases.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import { powersIn } from '../rooms/powers.ts';
import { Fenced } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { RoomStore } from '../storage/rooms/room-store.ts';

interface DirectoryParts {
  readonly names: Names;
  readonly acceptor: Acceptor;
  readonly aliases: Aliases;
  readonly heads: Heads;
  readonly rooms: RoomStore;
  readonly stream: Stream;
  /** Whether only administrators may publish rooms. */
  readonly onlyAdministratorsPublish: boolean;
}

/** The user who changes the directory. */
interface Actor {
  readonly userId: string;
  readonly user: number;
  readonly isAdmin: boolean;
  /** The id of the application service that acts for the user, if one does. */
  readonly applicationService?: string;
}

/** Aliases and the list of public rooms (client-server API, "Room aliases", "Published room directory"). */
export class RoomDirectory {
  readonly #parts: DirectoryParts;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  /** Returns the room of an alias. @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM */
  async resolve(alias: string): Promise<Head> {
    checkAlias(alias);
    const row = await this.#parts.aliases.findOrCreate(alias);
    const head = row === undefined ? undefined : await this.#parts.heads.byNum(row.room);
    if (head === undefined) throw unknownAlias(alias);
    return head;
  }

  /** Creates an alias for a room of the actor. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_UNKNOWN (409) */
  async add(actor: Actor, alias: string, roomId: string): Promise<void> {
    checkAlias(alias);
    if (!this.#parts.aliases.isValid(alias)) throw invalidParam(`${alias} is not a valid alias of this server`);
    this.#parts.aliases.checkReserved(alias, actor);
    const head = await this.#parts.heads.find(roomId);
    if (head === undefined) throw notFound('The room does not exist');
    if (!head.joined.has(actor.user) && !actor.isAdmin) throw forbidden('You are not in this room');
    if ((await this.#parts.aliases.find(alias)) !== undefined) throw taken(alias);
    try {
      await this.#parts.stream.commit([this.#parts.aliases.insert(alias, head.num, actor.user)], []);
    } catch (error) {
      if (error instanceof Fenced) throw taken(alias);
      throw error;
    }
  }

  /** Removes an alias, which its creator and users who may set the room's aliases may do. @throws MatrixError */
  async remove(actor: Actor, alias: string): Promise<void> {
    const head = await this.resolve(alias);
    const row = await this.#parts.aliases.find(alias);
    this.#parts.aliases.checkReserved(alias, actor);
    const isOwn = row?.creator === actor.user || this.#parts.aliases.isOwn(alias, actor);
    if (!isOwn && !actor.isAdmin && !(await maySetAliases(head, actor)))
      throw forbidden('You are not allowed to delete this alias');
    try {
      await this.#parts.stream.commit([this.#parts.aliases.remove(alias)], []);
    } catch (error) {
      if (error instanceof Fenced) throw unknownAlias(alias);
      throw error;
    }
    await this.#dropFromState(actor, head, alias);
  }

  /**
   * Removes a deleted alias from `m.room.canonical_alias` if the actor may change it ("Room aliases": servers may
   * update the state, and the deletion succeeds in any case).
   */
  async #dropFromState(actor: Actor, head: Head, alias: string): Promise<void> {
    const content = (await head.state('m.room.canonical_alias'))?.content;
    if (content === undefined) return;
    const { alias: main, alt_aliases: others, ...rest } = content;
    const kept = Array.isArray(others) ? others.filter((other) => other !== alias) : undefined;
    if (main !== alias && kept?.length === (Array.isArray(others) ? others.length : undefined)) return;
    const next = {
      ...rest,
      ...(main === alias || main === undefined ? {} : { alias: main }),
      ...(kept === undefined || kept.length === 0 ? {} : { alt_aliases: kept }),
    };
    const draft = { type: 'm.room.canonical_alias', stateKey: '', sender: actor.userId, content: next };
    try {
      await this.#parts.acceptor.accept(head, [draft]);
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
    }
  }

  /** Returns whether the directory lists a room. @throws MatrixError M_NOT_FOUND */
  async isPublished(roomId: string): Promise<boolean> {
    const num = await this.#parts.names.find(roomId);
    const [row] = num === undefined ? [] : await this.#parts.rooms.load([num]);
    if (row === undefined) throw notFound('The room does not exist');
    return row.published;
  }

  /** Publishes a room in the directory, or removes it. @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
  async publish(actor: Actor, roomId: string, published: boolean): Promise<void> {
    const head = await this.#parts.heads.get(roomId);
    const mayPublish = !this.#parts.onlyAdministratorsPublish && (await maySetAliases(head, actor));
    if (!actor.isAdmin && !mayPublish)
      throw forbidden('You are not allowed to change the visibility of this room in the directory');
    await head.pending;
    await this.#parts.stream.commit([this.#parts.rooms.publish(head.num, published)], []);
    head.row = { ...head.row, published };
  }
}

/** Returns whether a user may change a room's entry in the directory: one who may set `m.room.canonical_alias`. */
async function maySetAliases(head: Head, actor: Actor): Promise<boolean> {
  if (!head.joined.has(actor.user)) return false;
  const powers = await powersIn(head);
  return powers.of(actor.userId) >= powers.toSetState('m.room.canonical_alias');
}

function checkAlias(alias: string): void {
  if (parseRoomAlias(alias) === undefined) throw invalidParam(`${alias} is not a valid room alias`);
}

function unknownAlias(alias: string): Error {
  return notFound(`The alias ${alias} does not exist`);
}

function taken(alias: string): Error {
  return matrixError('M_UNKNOWN', `The alias ${alias} is already in use`, { status: 409 });
}
