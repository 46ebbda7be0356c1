import { VarintReader, VarintWriter } from '../../engine/varint.ts';

/**
 * The parts of an event that only other servers need: its edges in the graph, its content hash and the signature of the
 * sender's server. They take a tenth of the space of their JSON form. Events of this server are signed when they leave
 * it (docs/decisions/0002-signed-when-they-leave.md).
 */
export interface EventProof {
  /** Numbers of the events in `prev_events` and `auth_events`. */
  readonly prev: readonly number[];
  readonly auth: readonly number[];
  /** 32 bytes. */
  readonly contentHash: Uint8Array;
  /** The name of the signing key, as a number of `names.ts`. */
  readonly signingKey: number;
  /** 64 bytes; `undefined` for an event of this server that is not signed yet. */
  readonly signature: Uint8Array | undefined;
}

const CONTENT_HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

export function encodeProof({ prev, auth, contentHash, signingKey, signature }: EventProof): Uint8Array {
  const writer = new VarintWriter();
  writer.list(prev);
  writer.list(auth);
  writer.bytes(contentHash);
  writer.integer(signingKey);
  if (signature !== undefined) writer.bytes(signature);
  return writer.finish();
}

/** Decodes a proof. @throws RangeError for invalid bytes */
export function decodeProof(bytes: Uint8Array): EventProof {
  const reader = new VarintReader(bytes);
  const prev = reader.list();
  const auth = reader.list();
  const contentHash = reader.bytes(CONTENT_HASH_BYTES);
  const signingKey = reader.integer();
  const signature = reader.done ? undefined : reader.bytes(SIGNATURE_BYTES);
  return { prev, auth, contentHash, signingKey, signature };
}
