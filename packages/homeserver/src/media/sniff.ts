import { fileTypeFromBuffer } from 'file-type';

/** So much of a content's beginning says what it is. */
export const SNIFFED_BYTES = 4_100;

/** What bytes are by their beginning. Loaded only where it is asked. */
export async function sniffType(beginning: Uint8Array): Promise<string | undefined> {
  return (await fileTypeFromBuffer(beginning))?.mime;
}
