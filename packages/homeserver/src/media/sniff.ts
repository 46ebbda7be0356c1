import { memoise } from '../platform/caches/memoise.ts';

const load = memoise(() => import('file-type'));

/** So much of a content's beginning says what it is. */
export const SNIFFED_BYTES = 4_100;

/** What bytes are by their beginning. What knows that is loaded only where it is asked. */
export async function sniffType(beginning: Uint8Array): Promise<string | undefined> {
  const { fileTypeFromBuffer } = await load();
  return (await fileTypeFromBuffer(beginning))?.mime;
}
