import { prevEventIds } from '@hearth/protocol/events/event.ts';
import { asObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { VarintReader, VarintWriter } from '../../engine/varint.ts';

/** The edges of an event in the graph of its room. */
interface Edges {
  /** Numbers of the events in `prev_events`. Those that this server does not have are missing. */
  readonly prev: readonly number[];
  /** Numbers of the events in `auth_events`. */
  readonly auth: readonly number[];
}

/**
 * The parts of an event of this server that only other servers need: its edges in the graph, its content hash and the
 * signature. They take a tenth of the space of their JSON form. The event is signed when it leaves the server
 * (docs/decisions/0002-signed-when-they-leave.md).
 */
export interface LocalProof extends Edges {
  /** 32 bytes. */
  readonly contentHash: Uint8Array;
  /** The name of the signing key, as a number of `names.ts`. */
  readonly signingKey: number;
  /** 64 bytes; `undefined` for an event of this server that is not signed yet. */
  readonly signature: Uint8Array | undefined;
  readonly envelope?: undefined;
}

/** The parts of an event that has signatures of other servers. */
export interface RemoteProof extends Edges {
  /**
   * The members without a column, as they were received: `prev_events`, `auth_events`, `hashes`, `signatures` and
   * unknown ones.
   */
  readonly envelope: JsonObject;
}

/** The parts of an event that only other servers need. */
export type EventProof = LocalProof | RemoteProof;

const CONTENT_HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Begins the bytes of a {@link RemoteProof}. Those of a {@link LocalProof} begin with the number of `prev_events`, at most 20. */
const REMOTE = 127;

export function encodeProof(proof: EventProof): Uint8Array {
  const writer = new VarintWriter();
  if (proof.envelope !== undefined) writer.integer(REMOTE);
  writer.list(proof.prev);
  writer.list(proof.auth);
  if (proof.envelope !== undefined) {
    writer.bytes(new Uint8Array(Buffer.from(JSON.stringify(proof.envelope), 'utf8')));
    return writer.finish();
  }
  writer.bytes(proof.contentHash);
  writer.integer(proof.signingKey);
  if (proof.signature !== undefined) writer.bytes(proof.signature);
  return writer.finish();
}

/** Decodes only the numbers of the auth events of a proof. @throws RangeError for invalid bytes */
export function decodeAuthNums(bytes: Uint8Array): number[] {
  const reader = new VarintReader(bytes, bytes[0] === REMOTE ? 1 : 0);
  reader.list();
  return reader.list();
}

/** Decodes a proof. @throws RangeError, SyntaxError for invalid bytes */
export function decodeProof(bytes: Uint8Array): EventProof {
  const isRemote = bytes[0] === REMOTE;
  const reader = new VarintReader(bytes, isRemote ? 1 : 0);
  const prev = reader.list();
  const auth = reader.list();
  if (isRemote) {
    const text = Buffer.from(reader.rest()).toString('utf8');
    return { prev, auth, envelope: asObject(JSON.parse(text)) ?? {} };
  }
  const contentHash = reader.bytes(CONTENT_HASH_BYTES);
  const signingKey = reader.integer();
  const signature = reader.done ? undefined : reader.bytes(SIGNATURE_BYTES);
  return { prev, auth, contentHash, signingKey, signature };
}

/** Returns the ids of the events that an event of another server follows; none for a {@link LocalProof}, which has numbers. */
export function remotePrevIds({ envelope }: EventProof, version: RoomVersion): string[] {
  const list = envelope?.prev_events;
  return Array.isArray(list) ? prevEventIds({ prev_events: list as string[] }, version) : [];
}
