import { hash } from 'node:crypto';
import { VarintReader, VarintWriter } from '../engine/varint.ts';

/**
 * The nodes of a room's state: a radix tree from (type, state key), both as numbers of `names.ts`, to the number of the
 * event. Nodes are immutable. The name of a node is the hash of its bytes, so that equal parts of different states
 * share one node on disk and in memory.
 */

/** The first 16 bytes of a SHA-256 as a string of 16 characters below U+0100. */
export type NodeHash = string;

/** One entry of a state. */
export interface StateEntry {
  readonly type: number;
  readonly stateKey: number;
  readonly event: number;
}

export interface Leaf {
  readonly kind: 'leaf';
  /** The entries, sorted by type and then by state key. */
  readonly entries: readonly StateEntry[];
}

export interface Inner {
  readonly kind: 'inner';
  /** The children, by the next four bits of the key's hash. */
  readonly children: readonly (NodeRef | undefined)[];
}

export type StateNode = Leaf | Inner;

/** A reference to a node by its hash; `node` is set when the node is loaded. */
export interface NodeRef {
  readonly hash: NodeHash;
  node: StateNode | undefined;
}

/** The number of bits of the key's hash that one inner node uses. */
const BITS = 4;
export const BRANCHES = 1 << BITS;

/** The maximum depth of inner nodes, where the bits of the hash are used up. */
export const DEPTH_MAX = 32 / BITS;

const HASH_BYTES = 16;

/** Returns the branch of a key in an inner node at a depth. */
export function branch(type: number, stateKey: number, depth: number): number {
  return (mix(type, stateKey) >>> (depth * BITS)) & (BRANCHES - 1);
}

/** Returns a 32-bit hash of two integers (the finaliser of MurmurHash3). It is part of the format on disk. */
function mix(type: number, stateKey: number): number {
  let h = Math.imul(low(type), 0x9e3779b1) ^ Math.imul(low(stateKey), 0x85ebca6b);
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

function low(num: number): number {
  return (num % 0x1_0000_0000) ^ Math.floor(num / 0x1_0000_0000);
}

/** Encodes a node: a kind, then the entries, or a bitmap and the hashes of the existing children. */
export function encodeNode(node: StateNode): Uint8Array {
  return node.kind === 'leaf' ? encodeLeaf(node) : encodeInner(node);
}

/** The expected length of an entry. Numbers of types and keys mostly take two bytes, numbers of events four. */
const ENTRY_BYTES = 8;

function encodeLeaf({ entries }: Leaf): Uint8Array {
  const writer = new VarintWriter(entries.length * ENTRY_BYTES + ENTRY_BYTES);
  writer.integer(0);
  for (const { type, stateKey, event } of entries) {
    writer.integer(type);
    writer.integer(stateKey);
    writer.integer(event);
  }
  return writer.finish();
}

function encodeInner({ children }: Inner): Uint8Array {
  let map = 0;
  let hashes = '';
  for (const [i, child] of children.entries()) {
    if (child === undefined) continue;
    map |= 1 << i;
    hashes += child.hash;
  }
  const writer = new VarintWriter(hashes.length + ENTRY_BYTES + ENTRY_BYTES);
  writer.integer(1);
  writer.integer(map);
  writer.bytes(Buffer.from(hashes, 'latin1'));
  return writer.finish();
}

/** Decodes a node. @throws RangeError for invalid bytes */
export function decodeNode(bytes: Uint8Array): StateNode {
  const reader = new VarintReader(bytes);
  if (reader.integer() === 0) {
    const entries: StateEntry[] = [];
    while (!reader.done) entries.push({ type: reader.integer(), stateKey: reader.integer(), event: reader.integer() });
    return { kind: 'leaf', entries };
  }
  const map = reader.integer();
  const children = Array.from({ length: BRANCHES }, (_, i): NodeRef | undefined =>
    (map & (1 << i)) === 0 ? undefined : { hash: hashText(reader.bytes(HASH_BYTES)), node: undefined },
  );
  return { kind: 'inner', children };
}

/** Returns the name of a node with these bytes. */
export function hashNode(bytes: Uint8Array): NodeHash {
  return hash('sha256', bytes, 'buffer').toString('latin1', 0, HASH_BYTES);
}

export function hashBytes(nodeHash: NodeHash): Uint8Array {
  return new Uint8Array(Buffer.from(nodeHash, 'latin1'));
}

export function hashText(bytes: Uint8Array): NodeHash {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
