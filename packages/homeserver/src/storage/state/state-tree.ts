import { NOT_LOADED } from '../../platform/lookups/source.ts';
import {
  BRANCHES,
  branch,
  DEPTH_MAX,
  encodeNode,
  hashNode,
  type Inner,
  type Leaf,
  type NodeHash,
  type NodeRef,
  type StateEntry,
  type StateNode,
} from './state-node.ts';

/** Functions that read and change states without I/O. They report missing nodes, which `state-store.ts` loads. */

/** A leaf that would hold more entries than this becomes an inner node. */
const LEAF_ENTRIES_MAX = 32;

/** A node that a change has created and that must be stored. */
export interface NewNode {
  readonly hash: NodeHash;
  readonly body: Uint8Array;
}

export const EMPTY_LEAF: Leaf = { kind: 'leaf', entries: [] };

/** Returns the state of a room before its first event. */
export function emptyState(): NodeRef {
  return reference(EMPTY_LEAF, []);
}

/** Returns the event of a key; `undefined` when the state has none. */
export function lookup(root: NodeRef, type: number, stateKey: number): number | undefined | typeof NOT_LOADED {
  let ref: NodeRef | undefined = root;
  for (let depth = 0; ref !== undefined; depth += 1) {
    const node: StateNode | undefined = ref.node;
    if (node === undefined) return NOT_LOADED;
    if (node.kind === 'leaf') {
      return node.entries.find((entry) => entry.type === type && entry.stateKey === stateKey)?.event;
    }
    ref = node.children[branch(type, stateKey, depth)];
  }
  return undefined;
}

/**
 * Sets one entry of a state. The nodes on the path to the key must be loaded.
 * @returns the new root; new nodes are appended to `created`
 */
export function withEntry(root: NodeRef, entry: StateEntry, created: NewNode[]): NodeRef {
  return insert(root, entry, 0, created);
}

/**
 * Removes one entry of a state. The nodes on the path to the key must be loaded.
 * @returns the new root; new nodes are appended to `created`
 */
export function withoutEntry(root: NodeRef, key: Omit<StateEntry, 'event'>, created: NewNode[]): NodeRef {
  return remove(root, key, 0, created);
}

/** Returns all entries of a loaded state, in no particular order. */
export function entries(root: NodeRef): StateEntry[] {
  const found: StateEntry[] = [];
  collectEntries(root, found);
  return found;
}

/** Returns the nodes that are not loaded, of the whole state or on the path to one key. */
export function missing(root: NodeRef, key?: { readonly type: number; readonly stateKey: number }): NodeRef[] {
  const found: NodeRef[] = [];
  collectMissing(root, key, 0, found);
  return found;
}

/**
 * Returns the entries of `after` that differ in `before`. Shared nodes are skipped, so that the cost depends on the
 * difference. Both states must be loaded where they differ.
 */
export function difference(before: NodeRef, after: NodeRef): StateEntry[] {
  if (before.hash === after.hash) return [];
  const known = new Map<string, number>();
  const changed: StateEntry[] = [];
  const [left, right] = [loaded(before), loaded(after)];
  if (left.kind === 'inner' && right.kind === 'inner') {
    return right.children.flatMap((child, i) => {
      if (child === undefined) return [];
      const other = left.children[i];
      return other === undefined ? entries(child) : difference(other, child);
    });
  }
  for (const { type, stateKey, event } of entries(before)) known.set(`${type},${stateKey}`, event);
  for (const entry of entries(after)) {
    if (known.get(`${entry.type},${entry.stateKey}`) !== entry.event) changed.push(entry);
  }
  return changed;
}

/** Returns those of the created nodes that are part of a state. Several changes create nodes that later ones replace. */
export function nodesOf(root: NodeRef, created: readonly NewNode[]): NewNode[] {
  const byHash = new Map(created.map((node) => [node.hash, node]));
  const found: NewNode[] = [];
  const visit = ({ hash, node }: NodeRef) => {
    const own = byHash.get(hash);
    // A node that was not created is stored, with all nodes below it.
    if (own === undefined) return;
    byHash.delete(hash);
    found.push(own);
    if (node?.kind === 'inner') for (const child of node.children) if (child !== undefined) visit(child);
  };
  visit(root);
  return found;
}

/** Returns nodes that {@link difference} needs for both directions and that are not loaded. */
export function missingForDifference(before: NodeRef, after: NodeRef): NodeRef[] {
  if (before.hash === after.hash) return [];
  const [left, right] = [before.node, after.node];
  if (left === undefined || right === undefined)
    return [...(left === undefined ? [before] : []), ...(right === undefined ? [after] : [])];
  if (left.kind === 'inner' && right.kind === 'inner') {
    return right.children.flatMap((child, i) => {
      const other = left.children[i];
      if (child !== undefined && other !== undefined) return missingForDifference(other, child);
      const only = child ?? other;
      return only === undefined ? [] : missing(only);
    });
  }
  return [...missing(before), ...missing(after)];
}

function collectEntries(ref: NodeRef, found: StateEntry[]): void {
  const node = loaded(ref);
  if (node.kind === 'leaf') found.push(...node.entries);
  else for (const child of node.children) if (child !== undefined) collectEntries(child, found);
}

function insert(ref: NodeRef, entry: StateEntry, depth: number, created: NewNode[]): NodeRef {
  const node = loaded(ref);
  if (node.kind === 'inner') return insertInner(node, entry, depth, created);
  const merged = withSortedEntry(node.entries, entry);
  if (merged.length <= LEAF_ENTRIES_MAX || depth >= DEPTH_MAX) {
    return reference({ kind: 'leaf', entries: merged }, created);
  }
  return split(merged, depth, created);
}

function insertInner(node: Inner, entry: StateEntry, depth: number, created: NewNode[]): NodeRef {
  const at = branch(entry.type, entry.stateKey, depth);
  const child = node.children[at];
  const changed =
    child === undefined
      ? reference({ kind: 'leaf', entries: [entry] }, created)
      : insert(child, entry, depth + 1, created);
  return reference({ kind: 'inner', children: node.children.with(at, changed) }, created);
}

function remove(ref: NodeRef, key: Omit<StateEntry, 'event'>, depth: number, created: NewNode[]): NodeRef {
  const node = loaded(ref);
  if (node.kind === 'leaf') {
    const left = node.entries.filter(({ type, stateKey }) => type !== key.type || stateKey !== key.stateKey);
    return reference({ kind: 'leaf', entries: left }, created);
  }
  const at = branch(key.type, key.stateKey, depth);
  const child = node.children[at];
  if (child === undefined) return ref;
  return reference(
    { kind: 'inner', children: node.children.with(at, remove(child, key, depth + 1, created)) },
    created,
  );
}

function split(list: readonly StateEntry[], depth: number, created: NewNode[]): NodeRef {
  const groups: StateEntry[][] = Array.from({ length: BRANCHES }, () => []);
  for (const entry of list) groups[branch(entry.type, entry.stateKey, depth)]?.push(entry);
  const children = groups.map((group) => {
    if (group.length === 0) return undefined;
    if (group.length > LEAF_ENTRIES_MAX && depth + 1 < DEPTH_MAX) return split(group, depth + 1, created);
    return reference({ kind: 'leaf', entries: group }, created);
  });
  return reference({ kind: 'inner', children }, created);
}

function withSortedEntry(list: readonly StateEntry[], entry: StateEntry): StateEntry[] {
  const at = list.findIndex((other) => compare(other, entry) >= 0);
  const there = at === -1 ? undefined : list[at];
  if (there === undefined) return [...list, entry];
  return list.toSpliced(at, compare(there, entry) === 0 ? 1 : 0, entry);
}

function compare(a: StateEntry, b: StateEntry): number {
  return a.type === b.type ? a.stateKey - b.stateKey : a.type - b.type;
}

function reference(node: StateNode, created: NewNode[]): NodeRef {
  const body = encodeNode(node);
  const hash = hashNode(body);
  created.push({ hash, body });
  return { hash, node };
}

function collectMissing(
  ref: NodeRef,
  key: { readonly type: number; readonly stateKey: number } | undefined,
  depth: number,
  found: NodeRef[],
): void {
  const { node } = ref;
  if (node === undefined) found.push(ref);
  else if (node.kind === 'inner') {
    const children = key === undefined ? node.children : [node.children[branch(key.type, key.stateKey, depth)]];
    for (const child of children) if (child !== undefined) collectMissing(child, key, depth + 1, found);
  }
}

function loaded(ref: NodeRef): StateNode {
  if (ref.node === undefined) throw new Error('a state node is not in memory');
  return ref.node;
}
