import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VarintReader, VarintWriter } from '../../src/storage/engine/varint.ts';
import { decodeProof, encodeProof } from '../../src/storage/rooms/events/event-proof.ts';
import { eventIdOfStored, repeatedEventId, storedEventId } from '../../src/storage/rooms/events/stored-event.ts';
import { decodeNode, encodeNode, hashBytes, hashText } from '../../src/storage/state/state-node.ts';

const integer = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 300 }), fc.constantFrom(127, 128, 2 ** 32, 2 ** 53 - 1));
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('values that are stored as bytes', () => {
  test('integers, lists and byte strings are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(integer), fc.array(integer), fc.uint8Array({ maxLength: 300 }), (one, many, bytes) => {
        const writer = new VarintWriter();
        for (const value of one) writer.integer(value);
        writer.list(many);
        writer.bytes(bytes);
        const reader = new VarintReader(writer.finish());
        expect(one.map(() => reader.integer())).toEqual(one);
        expect(reader.list()).toEqual(many);
        expect(reader.done).toBe(bytes.length === 0);
        expect(reader.bytes(bytes.length)).toEqual(bytes);
        expect(reader.done).toBe(true);
      }),
    );
  });

  test('a small integer is one byte', () => {
    const sizes = [0, 127, 128, 16_383, 16_384].map((value) => {
      const writer = new VarintWriter();
      writer.integer(value);
      return writer.finish().length;
    });
    expect(sizes).toEqual([1, 1, 2, 2, 3]);
  });

  test('bytes that end too early are refused', () => {
    expect(() => new VarintReader(new Uint8Array([0x80])).integer()).toThrow(RangeError);
    expect(() => new VarintReader(new Uint8Array([2, 1])).list()).toThrow(RangeError);
    expect(() => new VarintReader(new Uint8Array([1])).bytes(2)).toThrow(RangeError);
    expect(() => decodeProof(new Uint8Array([0, 0, 1]))).toThrow(RangeError);
  });

  test('proofs of events, signed and not', () => {
    const proof = fc.record({
      prev: fc.array(integer, { maxLength: 20 }),
      auth: fc.array(integer, { maxLength: 10 }),
      contentHash: bytesOf(32),
      signingKey: integer,
      signature: fc.option(bytesOf(64), { nil: undefined }),
    });
    fc.assert(
      fc.property(proof, (each) => {
        expect(decodeProof(encodeProof(each))).toEqual(each);
      }),
    );
  });

  test('nodes of states, by the hashes of their children', () => {
    const leaf = fc
      .array(fc.record({ type: integer, stateKey: integer, event: integer }), { maxLength: 40 })
      .map((entries) => ({ kind: 'leaf' as const, entries }));
    const child = fc.option(
      bytesOf(16).map((bytes) => ({ hash: hashText(bytes), node: undefined })),
      { nil: undefined },
    );
    const inner = fc
      .array(child, { minLength: 16, maxLength: 16 })
      .map((children) => ({ kind: 'inner' as const, children }));
    fc.assert(
      fc.property(fc.oneof(leaf, inner), bytesOf(16), (node, bytes) => {
        expect(decodeNode(encodeNode(node))).toEqual(node);
        expect(hashBytes(hashText(bytes))).toEqual(bytes);
      }),
    );
  });

  test('event ids of every room version', () => {
    const hash = bytesOf(32).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(hash, (bytes) => {
        const urlSafe = `$${bytes.toString('base64url')}`;
        const standard = `$${bytes.toString('base64').replace('=', '')}`;
        expect(storedEventId(urlSafe)).toHaveLength(32);
        expect(eventIdOfStored(storedEventId(urlSafe), '4')).toBe(urlSafe);
        expect(eventIdOfStored(storedEventId(standard), '3')).toBe(standard);
      }),
    );
    // An id that is as long as a hash is still a text.
    for (const opaque of ['$143273582443PhrSn:example.org', '$143273582443PhrSn:2.example.org']) {
      expect(eventIdOfStored(storedEventId(opaque), '1')).toBe(opaque);
      expect(eventIdOfStored(repeatedEventId(opaque, 48), '2')).toBe(opaque);
      // Rows were marked without their numbers before.
      expect(eventIdOfStored(new Uint8Array([...storedEventId(opaque), 0]), '2')).toBe(opaque);
    }
  });
});
