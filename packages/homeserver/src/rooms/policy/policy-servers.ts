import type { Pdu } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import {
  hasPolicySignature,
  isExemptFromPolicy,
  type PolicyServer,
  policyServerOf,
  withPolicySignature,
} from '@hearth/protocol/signing/policy-server.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { Head, StateKeyPair } from '../head.ts';
import type { IncomingEvent } from '../receive/incoming.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';

const STATE_KEYS: readonly StateKeyPair[] = [['m.room.policy', '']];
const SIGN = '/_matrix/policy/v1/sign';
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** A received event after the check by the policy server of its room. */
export interface PolicyChecked {
  /** The event, with the signature of the policy server if that has signed it. */
  readonly incoming: IncomingEvent;
  readonly isRefusedByPolicy: boolean;
}

/** The servers that rooms let decide whether events are wanted (server-server API, "Policy Servers"). */
export class PolicyServers {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #servers: ServersInRooms;

  constructor(client: Pick<FederationClient, 'request'>, servers: ServersInRooms) {
    this.#client = client;
    this.#servers = servers;
  }

  /** Returns the policy server that a room uses now, as a promise only if something has to be loaded. */
  of(head: Head): PolicyServer | undefined | Promise<PolicyServer | undefined> {
    const loading = head.ensure(STATE_KEYS);
    return loading === undefined ? this.#inMemory(head) : loading.then(() => this.of(head));
  }

  #inMemory(head: Head): PolicyServer | undefined | Promise<PolicyServer | undefined> {
    const named = policyServerOf(head.known('m.room.policy', '')?.content);
    if (named === undefined) return undefined;
    return this.#servers.of(head).then((present) => (present.has(named.via) ? named : undefined));
  }

  /** Checks a received event. The policy server is asked only if the event lacks its signature. */
  async check(head: Head, incoming: IncomingEvent): Promise<PolicyChecked> {
    const { pdu } = incoming;
    if (isExemptFromPolicy(pdu)) return { incoming, isRefusedByPolicy: false };
    const policyServer = await this.of(head);
    if (policyServer === undefined || hasPolicySignature(pdu, head.version, policyServer))
      return { incoming, isRefusedByPolicy: false };
    try {
      const signed = await this.sign(pdu, head.version, policyServer);
      if (signed === undefined) return { incoming, isRefusedByPolicy: true };
      return { incoming: { ...incoming, pdu: signed }, isRefusedByPolicy: false };
    } catch (error) {
      if (!(error instanceof FederationError)) throw error;
      return { incoming, isRefusedByPolicy: true };
    }
  }

  /**
   * Asks a policy server to sign an event. Returns the event with the signature; undefined if that is not valid.
   * @throws FederationError if the policy server refuses the event or does not answer
   */
  async sign(pdu: Pdu, version: RoomVersion, policyServer: PolicyServer): Promise<Pdu | undefined> {
    const answer = await this.#client.request(policyServer.via, {
      method: 'POST',
      path: SIGN,
      content: pdu,
      timeoutMs: TIMEOUT_MS,
      answerBytesMax: ANSWER_BYTES_MAX,
    });
    return withPolicySignature(pdu, version, policyServer, answer);
  }
}
