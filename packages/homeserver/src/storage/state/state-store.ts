import { LruMap } from '../../platform/caches/lru.ts';
import { NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import { type Database, sql, type Write, write } from '../engine/database.ts';
import { decodeNode, hashBytes, hashText, type NodeHash, type NodeRef, type StateNode } from './state-node.ts';
import { EMPTY_LEAF, emptyState, lookup, missing, missingForDifference, type NewNode } from './state-tree.ts';

const readNodes = sql('SELECT hash, body FROM state_nodes WHERE hash IN @blobs');
const readSnapshots = sql('SELECT num, root FROM snapshots WHERE num IN @list');
const insertNode = sql('INSERT INTO state_nodes (hash, body) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING');
const insertSnapshot = sql('INSERT INTO snapshots (num, room, root) VALUES (?, ?, ?)');

const replaceSnapshot = sql(
  'INSERT INTO snapshots (num, room, root) VALUES (?, ?, ?) ON CONFLICT (num) DO UPDATE SET root = excluded.root',
);

/** The maximum number of cached nodes. A node has at most a few dozen entries, so that they take about 30 MB. */
const NODES_MAX = 20_000;
const SNAPSHOTS_MAX = 20_000;

/** A key of room state, as numbers. */
export interface StateKeyNums {
  readonly type: number;
  readonly stateKey: number;
}

/** A key of one state. */
export interface StatePlace extends StateKeyNums {
  readonly root: NodeRef;
}

/** The keys of one state. */
interface StatePlaces {
  readonly root: NodeRef;
  readonly keys: readonly StateKeyNums[];
}

/** Loads room states. Nodes are shared between states in memory, as on disk. */
export class StateStore {
  readonly #database: Database;
  readonly #nodes: LruMap<NodeHash, StateNode>;
  readonly #snapshots = new LruMap<number, NodeRef>(SNAPSHOTS_MAX);

  /** The state after an event, by the event's number; `undefined` if there is no such snapshot. */
  readonly snapshotSource: Source<number, NodeRef | undefined> = {
    peek: (num) => (num === 0 ? emptyState() : (this.#snapshots.get(num) ?? NOT_LOADED)),
    load: async (nums) => {
      const found = await this.snapshots(nums);
      return (num) => found.get(num);
    },
  };

  /** A state with all its nodes in memory. */
  readonly wholeSource: Source<NodeRef, NodeRef> = {
    peek: (root) => (missing(root).length === 0 ? root : NOT_LOADED),
    load: async (roots) => {
      await this.loadAll(roots);
      return (root) => root;
    },
  };

  /** The number of the event that a state has for a key; `undefined` if it has none. */
  readonly placeSource: Source<StatePlace, number | undefined> = {
    peek: ({ root, type, stateKey }) => lookup(root, type, stateKey),
    load: async (places) => {
      await this.loadPlaces(places.map(({ root, ...key }) => ({ root, keys: [key] })));
      return ({ root, type, stateKey }) => {
        const event = lookup(root, type, stateKey);
        if (event === NOT_LOADED) throw new Error('a state node vanished while it was read');
        return event;
      };
    },
    idOf: ({ root, type, stateKey }) => `${root.hash}/${type}/${stateKey}`,
  };

  /** @param nodesMax the maximum number of cached nodes */
  constructor(database: Database, nodesMax = NODES_MAX) {
    this.#database = database;
    this.#nodes = new LruMap(nodesMax);
  }

  /** Returns the writes that store a snapshot: the state after the event `num`. */
  snapshotWrites(num: number, room: number, root: NodeRef, created: readonly NewNode[]): Write[] {
    this.#snapshots.set(num, root);
    return [...this.nodeWrites(created), write(insertSnapshot, num, room, hashBytes(root.hash))];
  }

  /** Returns the writes that store nodes. */
  nodeWrites(created: readonly NewNode[]): Write[] {
    return created.map(({ hash, body }) => write(insertNode, hashBytes(hash), body));
  }

  /** Returns the write that stores a snapshot in place of another with the same number. The nodes are stored. */
  replaceSnapshot(num: number, room: number, root: NodeRef): Write {
    const stored = () => void this.#snapshots.set(num, root);
    return { ...write(replaceSnapshot, num, room, hashBytes(root.hash)), stored };
  }

  /** Returns the root of a stored state, whose nodes may not be cached. */
  root(hash: Uint8Array): NodeRef {
    const text = hashText(hash);
    return { hash: text, node: this.#nodes.get(text) };
  }

  /**
   * Returns the roots of many snapshots, with at most one query. Number 0 is the empty state before a room's first
   * event.
   */
  async snapshots(nums: Iterable<number>): Promise<ReadonlyMap<number, NodeRef>> {
    const found = new Map<number, NodeRef>();
    const absent: number[] = [];
    for (const num of new Set(nums)) {
      const root = num === 0 ? emptyState() : this.#snapshots.get(num);
      if (root === undefined) absent.push(num);
      else found.set(num, root);
    }
    if (absent.length === 0) return found;
    for (const row of await this.#database.all<{ num: number; root: Uint8Array }>(readSnapshots, absent)) {
      const root = this.root(row.root);
      this.#snapshots.set(row.num, root);
      found.set(row.num, root);
    }
    return found;
  }

  /** Loads every node of these states, with one query for each level of the trees. */
  async loadAll(roots: readonly NodeRef[]): Promise<void> {
    for (;;) {
      const refs = roots.flatMap((root) => missing(root));
      if (refs.length === 0) return;
      await this.#load(refs);
    }
  }

  /** Loads the nodes in which two states differ, with one query for each level of the trees. */
  async loadDifference(before: NodeRef, after: NodeRef): Promise<void> {
    for (;;) {
      const refs = missingForDifference(before, after);
      if (refs.length === 0) return;
      await this.#load(refs);
    }
  }

  /** Loads the nodes on the paths to these keys, with one query for each level of the trees. */
  loadKeys(roots: readonly NodeRef[], keys: readonly StateKeyNums[]): Promise<void> {
    return this.loadPlaces(roots.map((root) => ({ root, keys })));
  }

  /** Loads nodes as {@link loadKeys}, with separate keys for each state. */
  async loadPlaces(places: readonly StatePlaces[]): Promise<void> {
    for (;;) {
      const refs = places.flatMap(({ root, keys }) => keys.flatMap((key) => missing(root, key)));
      if (refs.length === 0) return;
      await this.#load(refs);
    }
  }

  /** Returns the events of the keys for each state; `undefined` where it has none. */
  lookupMany(
    roots: readonly NodeRef[],
    keys: readonly StateKeyNums[],
  ): Promise<readonly (readonly (number | undefined)[])[]> {
    return this.lookupPlaces(roots.map((root) => ({ root, keys })));
  }

  /** Returns the same as {@link lookupMany}, with separate keys for each state. */
  async lookupPlaces(places: readonly StatePlaces[]): Promise<readonly (readonly (number | undefined)[])[]> {
    await this.loadPlaces(places);
    return places.map(({ root, keys }) =>
      keys.map(({ type, stateKey }) => {
        const event = lookup(root, type, stateKey);
        if (event === NOT_LOADED) throw new Error('a state node vanished while it was read');
        return event;
      }),
    );
  }

  async #load(refs: readonly NodeRef[]): Promise<void> {
    const wanted = new Set<NodeHash>();
    for (const ref of refs) {
      ref.node ??= this.#nodes.get(ref.hash);
      if (ref.node === undefined) wanted.add(ref.hash);
    }
    if (wanted.size === 0) return;
    const rows = await this.#database.all<{ hash: Uint8Array; body: Uint8Array }>(
      readNodes,
      [...wanted].map(hashBytes),
    );
    // The loaded nodes may be more than the cache holds.
    const loaded = new Map<NodeHash, StateNode>([[emptyState().hash, EMPTY_LEAF]]);
    for (const row of rows) loaded.set(hashText(row.hash), decodeNode(row.body));
    for (const [hash, node] of loaded) this.#nodes.set(hash, node);
    for (const ref of refs) {
      ref.node ??= loaded.get(ref.hash);
      if (ref.node === undefined) throw new Error('a state node is missing from the database');
    }
  }
}
