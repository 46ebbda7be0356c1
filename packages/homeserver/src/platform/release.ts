/**
 * Frees the memory of a buffer at once instead of at the next major garbage collection, which many large buffers would
 * cause. The buffer must not be used any more. A buffer that shares its memory is not changed.
 */
export function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
