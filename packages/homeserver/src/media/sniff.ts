import { memoise } from '../platform/caches/memoise.ts';

const load = memoise(() => import('file-type'));

/** The length of the beginning of a content that tells its type. */
export const SNIFFED_BYTES = 4_100;

/** Returns the type of a content by its first bytes. The library is loaded when it is first needed. */
export async function sniffType(beginning: Uint8Array): Promise<string | undefined> {
  const { fileTypeFromBuffer } = await load();
  return (await fileTypeFromBuffer(beginning))?.mime;
}
