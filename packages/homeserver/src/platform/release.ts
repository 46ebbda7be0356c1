/**
 * Gives the memory of a buffer back at once. Otherwise that waits for the next major garbage collection, and the memory of
 * many large buffers is what brings that on. Nobody may use the buffer any more; one that shares its memory stays as it is.
 */
export function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
