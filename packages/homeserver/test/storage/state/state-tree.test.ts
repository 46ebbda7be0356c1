import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOT_LOADED } from '../../../src/platform/lookups/source.ts';
import {
  decodeNode,
  hashNode,
  type NodeHash,
  type NodeRef,
  type StateEntry,
} from '../../../src/storage/state/state-node.ts';
import {
  difference,
  emptyState,
  entries,
  lookup,
  missing,
  type NewNode,
  withEntry,
} from '../../../src/storage/state/state-tree.ts';

/** Few different keys, so that entries replace each other, and numbers beyond 32 bits among them. */
const num = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 2 ** 32, max: 2 ** 32 + 20 }));
const entry = fc.record({ type: fc.integer({ min: 1, max: 8 }), stateKey: num, event: fc.nat({ max: 2 ** 40 }) });
const states = fc.array(entry, { maxLength: 300, size: 'max' });

function build(list: readonly StateEntry[], from = emptyState(), created: NewNode[] = []): NodeRef {
  return list.reduce((root, each) => withEntry(root, each, created), from);
}

const keyOf = ({ type, stateKey }: StateEntry) => `${type},${stateKey}`;
const modelOf = (list: readonly StateEntry[]) => new Map(list.map((each) => [keyOf(each), each]));
const asModel = (root: NodeRef) => modelOf(entries(root));

/** A root as it is after a restart: nothing in memory, everything in the database. */
function stored(root: NodeRef, created: readonly NewNode[]): { root: NodeRef; loadAll: () => void } {
  const nodes = new Map<NodeHash, Uint8Array>(created.map(({ hash, body }) => [hash, body]));
  const cold: NodeRef = { hash: root.hash, node: undefined };
  const loadAll = () => {
    for (let refs = missing(cold); refs.length > 0; refs = missing(cold)) {
      for (const ref of refs) ref.node = decodeNode(nodes.get(ref.hash) ?? new Uint8Array());
    }
  };
  return { root: cold, loadAll };
}

describe('the tree of a state', () => {
  test('holds what a map would hold', () => {
    fc.assert(
      fc.property(states, fc.array(entry, { maxLength: 20 }), (list, others) => {
        const root = build(list);
        const model = modelOf(list);
        expect(asModel(root)).toEqual(model);
        for (const other of [...list, ...others])
          expect(lookup(root, other.type, other.stateKey)).toBe(model.get(keyOf(other))?.event);
      }),
    );
  });

  test('has one shape for one state, whatever the order in which it came about', () => {
    const shuffled = states.chain((list) => {
      const unique = [...modelOf(list).values()];
      return fc.tuple(fc.constant(unique), fc.shuffledSubarray(unique, { minLength: unique.length }), states);
    });
    fc.assert(
      fc.property(shuffled, ([list, other, detour]) => {
        const root = build(list);
        expect(build(other).hash).toBe(root.hash);
        // By way of other events for the same keys: nothing of them may stay behind.
        const known = modelOf(list);
        const sidesteps = detour.filter((each) => known.has(keyOf(each)));
        expect(build([...sidesteps, ...other]).hash).toBe(root.hash);
      }),
    );
  });

  test('does not change when another is made from it', () => {
    fc.assert(
      fc.property(states, states, (list, more) => {
        const root = build(list);
        build(more, root);
        expect(asModel(root)).toEqual(modelOf(list));
      }),
    );
  });

  test('differs from another in just those entries that differ', () => {
    fc.assert(
      fc.property(states, states, states, (common, left, right) => {
        const base = build(common);
        const [before, after] = [build(left, base), build(right, base)];
        const known = asModel(before);
        const naive = [...asModel(after).values()].filter((each) => known.get(keyOf(each))?.event !== each.event);
        expect(modelOf(difference(before, after))).toEqual(modelOf(naive));
        expect(difference(before, after)).toHaveLength(naive.length);
        expect(difference(after, after)).toEqual([]);
      }),
    );
  });

  test('is the same when it is read again from what was stored', () => {
    fc.assert(
      fc.property(states, (list) => {
        const created: NewNode[] = [];
        const first = emptyState();
        const root = build(list, first, created);
        for (const { hash, body } of created) expect(hashNode(body)).toBe(hash);
        const empty: NewNode = { hash: first.hash, body: new Uint8Array([0]) };
        const cold = stored(root, [empty, ...created]);
        expect(lookup(cold.root, 1, 1)).toBe(NOT_LOADED);
        cold.loadAll();
        expect(asModel(cold.root)).toEqual(modelOf(list));
        const next = { type: 3, stateKey: 7, event: 99 };
        expect(withEntry(cold.root, next, []).hash).toBe(withEntry(root, next, []).hash);
      }),
    );
  });

  test('a change of a large state stores few and small nodes', () => {
    const list = Array.from({ length: 20_000 }, (_, i) => ({ type: 1, stateKey: i + 1, event: i + 1 }));
    const root = build(list);
    const created: NewNode[] = [];
    const next = withEntry(root, { type: 1, stateKey: 500, event: 50_000 }, created);
    expect(created.length).toBeLessThanOrEqual(6);
    expect(created.reduce((bytes, { body }) => bytes + body.length, 0)).toBeLessThan(2_000);
    expect(difference(root, next)).toEqual([{ type: 1, stateKey: 500, event: 50_000 }]);
  });
});
