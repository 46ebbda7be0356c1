import { VarintReader, VarintWriter } from '../../engine/varint.ts';

/**
 * The parts of an event for other servers only: its place in the graph, its content hash and the signature of the
 * sender's server, in a tenth of the space of their JSON form. Events of this server are signed when they leave it:
 * Ed25519 gives the same signature for the same key and text at any time.
 */
export interface EventProof {
  /** Numbers of the events in `prev_events` and `auth_events`. */
  readonly prev: readonly number[];
  readonly auth: readonly number[];
  /** 32 bytes. */
  readonly contentHash: Uint8Array;
  /** The name of the key that has signed or is to sign, as a number of `names.ts`. */
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

/** @throws RangeError for bytes that are no proof */
export function decodeProof(bytes: Uint8Array): EventProof {
  const reader = new VarintReader(bytes);
  const prev = reader.list();
  const auth = reader.list();
  const contentHash = reader.bytes(CONTENT_HASH_BYTES);
  const signingKey = reader.integer();
  const signature = reader.done ? undefined : reader.bytes(SIGNATURE_BYTES);
  return { prev, auth, contentHash, signingKey, signature };
}
