import type { Names } from '../storage/engine/names.ts';

/** The servers that media come from. Their names are stored as numbers. */
export class Origins {
  readonly serverName: string;
  /** The number of this server. */
  readonly local: number;
  readonly #names: Names;

  constructor(serverName: string, local: number, names: Names) {
    this.serverName = serverName;
    this.local = local;
    this.#names = names;
  }

  isLocal(server: string): boolean {
    return server === this.serverName;
  }

  /** Returns the number of a server; undefined for a server without media here. */
  async find(server: string): Promise<number | undefined> {
    return this.isLocal(server) ? this.local : this.#names.find(server);
  }
}
