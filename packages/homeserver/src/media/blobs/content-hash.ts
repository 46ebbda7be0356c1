import { createHash } from 'node:crypto';

/** Bytes of a content's address. */
const ADDRESS_BYTES = 32;

/** Reckons the address of a content as its bytes come by. */
export interface ContentHash {
  update(bytes: Buffer): void;
  /** The address, in hex. */
  address(): string;
}

/**
 * The address of a content is the beginning of its BLAKE2b hash: as hard to meet as SHA-256, and a third of its cost on
 * processors without instructions for SHA (docs/decisions/0006-media.md). Nothing but equality is read from an address.
 */
export function contentHash(): ContentHash {
  const hash = createHash('blake2b512');
  return {
    update: (bytes) => void hash.update(bytes),
    address: () => hash.digest().toString('hex', 0, ADDRESS_BYTES),
  };
}
