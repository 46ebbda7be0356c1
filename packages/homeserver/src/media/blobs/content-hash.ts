import { memoise } from '../../platform/caches/memoise.ts';

/** Bytes of a content's address. */
const ADDRESS_BYTES = 32;

/** Reckons the address of a content as its bytes come by. */
export interface ContentHash {
  update(bytes: Buffer): void;
  /** The address, in hex. */
  address(): string;
}

const load = memoise(() => import('@napi-rs/blake-hash'));

/**
 * The address of a content is its BLAKE3 hash: as hard to meet as SHA-256, at a tenth of its cost on processors without
 * instructions for SHA (docs/decisions/0006-media.md). Nothing but equality is read from an address. The library is
 * loaded with the first content.
 */
export async function contentHash(): Promise<ContentHash> {
  const { Blake3Hasher } = await load();
  const hash = new Blake3Hasher();
  return {
    update: (bytes) => void hash.update(bytes),
    address: () => hash.digestBuffer().toString('hex', 0, ADDRESS_BYTES),
  };
}
