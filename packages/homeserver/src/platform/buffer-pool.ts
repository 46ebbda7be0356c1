/** Memory that is used again: so many buffers of one size; who comes when all are out gets one that is thrown away. */
export class BufferPool {
  readonly #size: number;
  readonly #spare: Buffer[] = [];
  readonly #pooled = new Set<Buffer>();
  #left: number;

  constructor(size: number, count: number) {
    this.#size = size;
    this.#left = count;
  }

  /** A buffer of at least `length` bytes, or of the pool's size if that is less. What is in it is left over. */
  take(length: number): Buffer {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    if (this.#left === 0) return Buffer.allocUnsafeSlow(Math.min(length, this.#size));
    this.#left -= 1;
    const buffer = Buffer.allocUnsafeSlow(this.#size);
    this.#pooled.add(buffer);
    return buffer;
  }

  /** Gives a buffer back; nobody may use it any more. */
  give(buffer: Buffer): void {
    if (this.#pooled.has(buffer)) this.#spare.push(buffer);
  }
}
