import { memoise } from '../../platform/caches/memoise.ts';

/** The length of a hash in bytes. */
const ADDRESS_BYTES = 32;

/** Computes the hash of a content from its chunks. */
export interface ContentHash {
  update(bytes: Buffer): void;
  /** Returns the hash in hexadecimal digits. */
  address(): string;
}

const load = memoise(() => import('@napi-rs/blake-hash'));

/**
 * Creates a BLAKE3 hash, which is as collision-resistant as SHA-256 at a tenth of its cost on processors without SHA
 * instructions (docs/decisions/0006-media.md). Hashes are only compared. The library is loaded with the first content.
 */
export async function contentHash(): Promise<ContentHash> {
  const { Blake3Hasher } = await load();
  const hash = new Blake3Hasher();
  return {
    update: (bytes) => void hash.update(bytes),
    address: () => hash.digestBuffer().toString('hex', 0, ADDRESS_BYTES),
  };
}
