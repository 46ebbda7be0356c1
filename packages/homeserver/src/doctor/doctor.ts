import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { Finding } from './finding.ts';
import type { NameCheck } from './name-check.ts';
import type { PeerCheck } from './peer-check.ts';

/** Examines servers as other servers see them. */
export class Doctor {
  readonly #names: NameCheck;
  readonly #peers: PeerCheck;

  constructor(names: NameCheck, peers: PeerCheck) {
    this.#names = names;
    this.#peers = peers;
  }

  /**
   * Checks a server from its name to its answers.
   * @param expected the host to which the name has to delegate, if that is configured
   */
  async *examine(name: ServerName, expected?: string): AsyncIterable<Finding> {
    const { findings, targets } = await this.#names.check(name, expected);
    yield* findings;
    for (const target of targets) yield* this.#peers.check(name, target);
  }
}
