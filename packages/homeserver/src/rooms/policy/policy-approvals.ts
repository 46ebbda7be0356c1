import { forbidden, MatrixError, tooLarge } from '@hearth/protocol/errors.ts';
import type { Pdu } from '@hearth/protocol/events/event.ts';
import { checkEventSize } from '@hearth/protocol/events/size.ts';
import { countersignPdu } from '@hearth/protocol/signing/pdu.ts';
import { isExemptFromPolicy, type PolicyServer } from '@hearth/protocol/signing/policy-server.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { remoteFailure } from '../../federation/client/remote-failure.ts';
import type { Approvals } from '../accept.ts';
import type { BuiltEvent } from '../events/build.ts';
import type { EventDraft } from '../events/draft.ts';
import type { Signer } from '../events/signer.ts';
import type { Head } from '../head.ts';
import type { PolicyServers } from './policy-servers.ts';

/** Error codes that make clients end their session. They are not passed on from policy servers. */
const OF_SESSIONS: ReadonlySet<string> = new Set(['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN', 'M_USER_LOCKED']);

/** Asks policy servers for signatures on events of this server before these are accepted. */
export class PolicyApprovals implements Approvals {
  readonly #policyServers: PolicyServers;
  readonly #signer: Signer;

  constructor(policyServers: PolicyServers, signer: Signer) {
    this.#policyServers = policyServers;
    this.#signer = signer;
  }

  areNeeded(head: Head): boolean | Promise<boolean> {
    const found = this.#policyServers.of(head);
    return found instanceof Promise ? found.then((one) => one !== undefined) : found !== undefined;
  }

  async of(head: Head, drafts: readonly EventDraft[], built: readonly BuiltEvent[]): Promise<readonly EventDraft[]> {
    const policyServer = await this.#policyServers.of(head);
    if (policyServer === undefined) return drafts;
    const approved: EventDraft[] = [];
    for (const [i, draft] of drafts.entries()) {
      const next = built[i];
      if (next === undefined) throw new Error('a draft has no event');
      approved.push(await this.#approved(head, draft, next, policyServer));
    }
    return approved;
  }

  async #approved(
    { version }: Head,
    draft: EventDraft,
    { event: { eventId, ts }, pdu }: BuiltEvent,
    policyServer: PolicyServer,
  ): Promise<EventDraft> {
    const { serverName, key } = this.#signer;
    const own = countersignPdu(pdu as unknown as Pdu, version, serverName, key);
    if (isExemptFromPolicy(own)) return { ...draft, approved: { eventId, ts, signatures: undefined } };
    try {
      const signed = await this.#policyServers.sign(own, version, policyServer);
      if (signed === undefined) throw forbidden(`The policy server ${policyServer.via} has not signed the event`);
      const refusal = checkEventSize(signed, version);
      if (refusal !== undefined) throw tooLarge(refusal);
      return { ...draft, approved: { eventId, ts, signatures: signed.signatures } };
    } catch (error) {
      throw refusalFor(error, policyServer.via);
    }
  }
}

/**
 * Returns the error for the client whose event a policy server refuses: that of the policy server (server-server API,
 * "Validating Policy Server signatures"), unless the client would take it for one about its own session.
 */
function refusalFor(error: unknown, via: string): unknown {
  if (!(error instanceof FederationError) || error.kind !== 'refused') return remoteFailure(error, via);
  const { status = 403, errcode = 'M_FORBIDDEN', reason = `The policy server ${via} refuses the event` } = error;
  const isOfSession = status === 401 || OF_SESSIONS.has(errcode);
  return isOfSession ? forbidden(reason) : new MatrixError(status, errcode, reason);
}
