/** The maximum length of an integer: 53 bits, 7 in each byte. */
const INTEGER_BYTES_MAX = 8;

/**
 * Encodes integers with 7 bits in each byte, the lowest bits first. The high bit of a byte means that more bytes
 * follow.
 */
export class VarintWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** @param capacity the expected number of bytes */
  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Appends an integer from 0 to 2^53 − 1. */
  integer(value: number): void {
    this.#grow(INTEGER_BYTES_MAX);
    const bytes = this.#bytes;
    let at = this.#length;
    let rest = value;
    while (rest >= 0x80) {
      bytes[at] = (rest % 0x80) + 0x80;
      at += 1;
      rest = Math.floor(rest / 0x80);
    }
    bytes[at] = rest;
    this.#length = at + 1;
  }

  /** Appends a list: its length, then its integers. */
  list(values: readonly number[]): void {
    this.integer(values.length);
    for (const value of values) this.integer(value);
  }

  /** Appends bytes without their number, which the reader has to know. */
  bytes(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Returns a copy of the written bytes. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(by: number): void {
    if (this.#length + by <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + by));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Decodes the bytes of {@link VarintWriter}. @throws RangeError when the bytes end too early */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  integer(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new RangeError('the bytes end within an integer');
      this.#at += 1;
      if (byte < 0x80) return value + byte * scale;
      value += (byte - 0x80) * scale;
      scale *= 0x80;
    }
  }

  list(): number[] {
    return Array.from({ length: this.integer() }, () => this.integer());
  }

  /** Returns all bytes that are left. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('the bytes end too early');
    // The bytes are copied, because a driver may return a Buffer, whose `slice` shares its memory.
    const bytes = new Uint8Array(this.#bytes.subarray(this.#at, end));
    this.#at = end;
    return bytes;
  }
}
