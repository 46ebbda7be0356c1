import type { Pdu, Signatures } from '../events/event.ts';
import { parseServerName, type ServerName } from '../identifiers/server-name.ts';
import { asObject, asString, type JsonObject } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { withSignature } from './json.ts';
import { verifyPduSignature } from './pdu.ts';

/** The server that decides whether a room accepts an event. */
export interface PolicyServer {
  readonly via: ServerName;
  /** Unpadded Base64 of its Ed25519 key for this purpose. */
  readonly publicKey: string;
}

/** The key id of a policy server's signatures (server-server API, "Validating Policy Server signatures"). */
export const POLICY_SERVER_KEY_ID = 'ed25519:policy_server';

/**
 * Returns the policy server that the content of `m.room.policy` names, or undefined when it is not valid. It is in
 * effect only while a user of that server is joined (server-server API, "Determining if a Policy Server is enabled in a
 * room").
 */
export function policyServerOf(content: JsonObject | undefined): PolicyServer | undefined {
  const via = parseServerName(asString(content?.via) ?? '');
  const publicKey = asString(asObject(content?.public_keys)?.ed25519);
  return via === undefined || publicKey === undefined ? undefined : { via, publicKey };
}

/** Returns whether an event needs no signature of a policy server. This holds for `m.room.policy` itself. */
export function isExemptFromPolicy(event: { type: string; state_key?: string }): boolean {
  return event.type === 'm.room.policy' && event.state_key === '';
}

/** Returns whether an event has a valid signature of a policy server. */
export function hasPolicySignature(pdu: Pdu, version: RoomVersion, policyServer: PolicyServer): boolean {
  return verifyPduSignature(pdu, version, policyServer.via, POLICY_SERVER_KEY_ID, policyServer.publicKey);
}

/**
 * Returns an event with the signature from the answer of a policy server, or undefined if that signature is missing or
 * not valid. Other signatures stay, also those of the same server (server-server API, "Asking for a Policy Server
 * signature on an event").
 */
export function withPolicySignature(
  pdu: Pdu,
  version: RoomVersion,
  policyServer: PolicyServer,
  answer: JsonObject,
): Pdu | undefined {
  const { via } = policyServer;
  const signature = asString(asObject(answer[via])?.[POLICY_SERVER_KEY_ID]);
  if (signature === undefined) return undefined;
  const signatures = withSignature(pdu.signatures, via, POLICY_SERVER_KEY_ID, signature) as Signatures;
  const signed = { ...pdu, signatures };
  return hasPolicySignature(signed, version, policyServer) ? signed : undefined;
}
