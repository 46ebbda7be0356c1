import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { compileServerAcl, type ServerAcl } from '@hearth/protocol/server-acl/server-acl.ts';

/** The servers that the configuration permits, in both directions. Patterns ignore case and port. */
export class Permits {
  readonly #isListed: ServerAcl;

  constructor(allow: readonly string[], deny: readonly string[]) {
    this.#isListed = compileServerAcl({ allow: [...allow], deny: [...deny] });
  }

  allows(server: ServerName): boolean {
    return this.#isListed(server);
  }
}
