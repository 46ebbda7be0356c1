import { OutboundError } from '../../platform/outbound/reply.ts';

/** The headers of a part, by their names in lower case. */
export type PartHeaders = ReadonlyMap<string, string>;

const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);
const LINE_BYTES_MAX = 16 * 1024;
const HEADER_LINES_MAX = 64;
/** The maximum length of the text before the first part and of a part that is not read. */
const SKIPPED_BYTES_MAX = 64 * 1024;

/**
 * Reads the parts of a multipart message (RFC 2046, 5.1.1) as its bytes arrive. It keeps no more than one chunk.
 * All functions throw an OutboundError when the message is malformed or ends too early.
 */
export class MultipartReader {
  readonly #chunks: AsyncIterator<Buffer>;
  /** The line break before a boundary is a part of the delimiter. */
  readonly #delimiter: Buffer;
  /** The received bytes that are not read yet. The first delimiter has no line break before it. */
  #rest: Buffer = CRLF;
  /** Whether the last read bytes are a delimiter. */
  #isAtDelimiter = false;

  constructor(chunks: AsyncIterator<Buffer>, boundary: string) {
    this.#chunks = chunks;
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  /** Reads the headers of the next part, and skips what is before it. Returns undefined after the last part. */
  async next(): Promise<PartHeaders | undefined> {
    await this.#skip();
    if (await this.#startsWith(Buffer.from('--'))) return undefined;
    if ((await this.#line()).trim() !== '') throw malformed();
    this.#isAtDelimiter = false;
    const headers = await this.#headers();
    // The empty line after the headers may also begin the delimiter, if the part has no content.
    this.#isAtDelimiter = await this.#startsWith(this.#delimiter);
    this.#rest = this.#rest.subarray(this.#isAtDelimiter ? this.#delimiter.length : CRLF.length);
    return headers;
  }

  /** Returns the bytes of the part whose headers were read last. */
  async *content(): AsyncGenerator<Buffer, void> {
    while (!this.#isAtDelimiter) {
      const rest = this.#rest;
      const end = rest.indexOf(this.#delimiter);
      this.#isAtDelimiter = end !== -1;
      const length = this.#isAtDelimiter ? end : rest.length - this.#undecided(rest);
      // The consumer owns the memory of its chunk, so that the rest of an incomplete chunk is copied.
      this.#rest = this.#isAtDelimiter
        ? rest.subarray(end + this.#delimiter.length)
        : Buffer.from(rest.subarray(length));
      if (length > 0) yield rest.subarray(0, length);
      if (!this.#isAtDelimiter) await this.#receive();
    }
  }

  /** Reads and discards the end of the message, so that its connection can be used again. Gives up after a limit. */
  async end(): Promise<void> {
    for (let bytes = 0; bytes < SKIPPED_BYTES_MAX; ) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return;
      bytes += value.length;
    }
  }

  /** Returns the number of bytes at the end of a chunk that may be the beginning of a delimiter. */
  #undecided(chunk: Buffer): number {
    // A delimiter begins with its only carriage return.
    const at = chunk.lastIndexOf('\r');
    const end = at === -1 ? NOTHING : chunk.subarray(at);
    return end.length < this.#delimiter.length && end.equals(this.#delimiter.subarray(0, end.length)) ? end.length : 0;
  }

  async #skip(): Promise<void> {
    let bytes = 0;
    for await (const chunk of this.content()) {
      bytes += chunk.length;
      if (bytes > SKIPPED_BYTES_MAX) throw malformed();
    }
  }

  /** Reads headers up to the empty line, which is not read. */
  async #headers(): Promise<PartHeaders> {
    const lines: string[] = [];
    for (let count = 1; !(await this.#startsWith(CRLF)); count++) {
      if (count > HEADER_LINES_MAX) throw malformed();
      const line = await this.#line();
      // A line that begins with a space continues the header before it.
      if (/^[ \t]/.test(line)) lines.push(`${lines.pop() ?? ''} ${line.trim()}`);
      else lines.push(line);
    }
    return new Map(lines.map(toHeader).reverse());
  }

  async #line(): Promise<string> {
    for (let end = this.#rest.indexOf(CRLF); ; end = this.#rest.indexOf(CRLF)) {
      if (end !== -1) {
        const line = this.#rest.toString('utf8', 0, end);
        this.#rest = this.#rest.subarray(end + CRLF.length);
        return line;
      }
      if (this.#rest.length > LINE_BYTES_MAX) throw malformed();
      await this.#receive();
    }
  }

  async #startsWith(bytes: Buffer): Promise<boolean> {
    while (this.#rest.length < bytes.length && this.#rest.equals(bytes.subarray(0, this.#rest.length))) {
      await this.#receive();
    }
    return this.#rest.subarray(0, bytes.length).equals(bytes);
  }

  async #receive(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done === true) throw new OutboundError('the multipart answer ends too early');
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
  }
}

function toHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw malformed();
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
}

function malformed(): OutboundError {
  return new OutboundError('the multipart answer is malformed');
}
