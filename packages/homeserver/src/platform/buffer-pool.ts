/** A pool of reusable buffers of one size. When all are in use, a caller gets a new buffer that does not return to the pool. */
export class BufferPool {
  readonly #size: number;
  readonly #spare: Buffer[] = [];
  readonly #pooled = new Set<Buffer>();
  #left: number;

  constructor(size: number, count: number) {
    this.#size = size;
    this.#left = count;
  }

  /** Returns a buffer of at least `length` bytes, or of the pool's size if that is less. Its content is undefined. */
  take(length: number): Buffer {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    if (this.#left === 0) return Buffer.allocUnsafeSlow(Math.min(length, this.#size));
    this.#left -= 1;
    const buffer = Buffer.allocUnsafeSlow(this.#size);
    this.#pooled.add(buffer);
    return buffer;
  }

  /** Returns a buffer to the pool. The caller must not use it any more. */
  give(buffer: Buffer): void {
    if (this.#pooled.has(buffer)) this.#spare.push(buffer);
  }
}
