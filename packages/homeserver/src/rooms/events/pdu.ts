import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import type { Pdu } from '@hearth/protocol/events/event.ts';
import { redactPdu } from '@hearth/protocol/events/redact.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { countersignPdu } from '@hearth/protocol/signing/pdu.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventProof, LocalProof } from '../../storage/rooms/events/event-proof.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { ENTRY, GAP, OUTSIDE, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { references } from './build.ts';
import type { Signer } from './signer.ts';

export interface PduDeps {
  readonly names: Names;
  readonly events: EventStore;
  readonly signer: Signer;
}

/** The events that the events of one page refer to. */
interface Referred {
  readonly events: ReadonlyMap<number, StoredEvent>;
  readonly keyIds: ReadonlyMap<number, string>;
}

/**
 * Returns events of one room in the form of server-server API, "PDUs", in the same order. They are rebuilt from the
 * stored data, so that hashes and signatures are valid. A redacted event is returned redacted.
 */
export async function pdusOf(deps: PduDeps, version: RoomVersion, events: readonly StoredEvent[]): Promise<Pdu[]> {
  if (events.length === 0) return [];
  const proofs = await deps.events.proofs(events.map(({ num }) => num));
  const all = [...proofs.values()];
  const referred = {
    events: await deps.events.load(new Set(all.flatMap(({ prev, auth }) => [...prev, ...auth]))),
    keyIds: await deps.names.texts(all.flatMap((proof) => (proof.envelope === undefined ? [proof.signingKey] : []))),
  };
  return events.map((event) => {
    const proof = proofs.get(event.num);
    if (proof === undefined) throw new Error(`the proof of ${event.eventId} is missing`);
    const pdu = assemble(event, proof, version, referred);
    return proof.envelope === undefined ? signed(deps.signer, version, pdu, { event, proof, referred }) : pdu;
  });
}

/** Returns the event, without the signature of this server. */
function assemble(event: StoredEvent, proof: EventProof, version: RoomVersion, { events }: Referred): Pdu {
  const listed = (nums: readonly number[]) =>
    references(
      nums.flatMap((num) => events.get(num) ?? []),
      version,
    );
  // From room version 12 on the create event has no room id: the room's id is made of the event's own.
  const hasRoomId = !(version.createRoomIdHash && event.type === 'm.room.create');
  const pdu: Pdu = {
    ...(version.eventIdFormat === 'v1' ? { event_id: event.eventId } : {}),
    ...(hasRoomId ? { room_id: event.roomId } : {}),
    sender: event.sender,
    type: event.type,
    ...(event.stateKey === undefined ? {} : { state_key: event.stateKey }),
    ...extraMembers(event),
    content: event.content,
    depth: event.depth,
    origin_server_ts: event.ts,
    ...(proof.envelope === undefined ? ownMembers(proof, listed) : (proof.envelope as ProofMembers)),
  };
  return event.redactedBy === null ? pdu : redactPdu(pdu, version);
}

type ProofMembers = Pick<Pdu, 'prev_events' | 'auth_events' | 'hashes' | 'signatures'>;

/** Returns the members of an event of this server that are in its proof. */
function ownMembers(
  { prev, auth, contentHash }: LocalProof,
  listed: (nums: readonly number[]) => ReturnType<typeof references>,
): ProofMembers {
  return {
    prev_events: listed(prev),
    auth_events: listed(auth),
    hashes: { sha256: encodeBase64(contentHash) },
    signatures: {},
  };
}

/** Returns the members without a column. `extra` has the reference hash of room versions 1 and 2 and marks as well. */
function extraMembers({ extra }: StoredEvent): JsonObject {
  const {
    sha256: _hash,
    [ENTRY]: _entry,
    [GAP]: _gap,
    [OUTSIDE]: _outside,
    ...members
  } = JSON.parse(extra ?? '{}') as JsonObject;
  return members;
}

/** Adds the stored signature. Events of this server are signed now, with the same result at any time. */
function signed(
  signer: Signer,
  version: RoomVersion,
  pdu: Pdu,
  { event, proof, referred }: { event: StoredEvent; proof: LocalProof; referred: Referred },
): Pdu {
  const keyId = referred.keyIds.get(proof.signingKey);
  const server = domainOf(event.sender);
  if (proof.signature === undefined) return countersignPdu(pdu, version, signer.serverName, signer.key);
  if (keyId === undefined || server === undefined) throw new Error(`the signature of ${event.eventId} has no key`);
  return { ...pdu, signatures: { [server]: { [keyId]: encodeBase64(proof.signature) } } };
}
