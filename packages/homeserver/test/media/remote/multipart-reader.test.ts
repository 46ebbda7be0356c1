import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MultipartReader } from '../../../src/media/remote/multipart-reader.ts';
import { OutboundError } from '../../../src/platform/outbound/reply.ts';

/** A part as its headers and its bytes. */
type Part = readonly [headers: Readonly<Record<string, string>>, content: Buffer];

/** Yields a message in chunks of the given lengths, which repeat. Each chunk has its own memory. */
async function* inChunks(message: Buffer, lengths: readonly number[]): AsyncGenerator<Buffer, void> {
  for (let at = 0, i = 0; at < message.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    const chunk = Buffer.alloc(Math.min(length, message.length - at));
    message.copy(chunk, 0, at);
    yield await Promise.resolve(chunk);
    at += length;
  }
}

async function contentOf(reader: MultipartReader): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of reader.content()) {
    chunks.push(Buffer.from(chunk));
    // The consumer owns the chunk, and may use its memory for something else.
    if (chunk.byteLength === chunk.buffer.byteLength) chunk.fill(0);
  }
  return Buffer.concat(chunks);
}

/** Reads all parts of a message. */
async function read(message: Buffer | string, boundary: string, lengths: readonly number[] = [7]): Promise<Part[]> {
  const reader = new MultipartReader(inChunks(Buffer.from(message), lengths), boundary);
  const parts: Part[] = [];
  for (let headers = await reader.next(); headers !== undefined; headers = await reader.next()) {
    parts.push([Object.fromEntries(headers), await contentOf(reader)]);
  }
  await reader.end();
  return parts;
}

function write(parts: readonly Part[], boundary: string): Buffer {
  const written = parts.map(([headers, content]) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.concat([Buffer.from(`--${boundary}\r\n${lines.join('')}\r\n`), content, Buffer.from('\r\n')]);
  });
  return Buffer.concat([...written, Buffer.from(`--${boundary}--\r\n`)]);
}

/** Bytes that often contain beginnings of a delimiter. */
const content = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r', '\n', '-', '\r\n', '\r\n-', '\r\n--', '\r\n--b', '\r\n--bo', '--bound', '\r\n\r\n--boun'),
      fc.string({ maxLength: 20 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.from(pieces.join('')))
  .filter((bytes) => !Buffer.concat([Buffer.from('\r\n'), bytes]).includes('\r\n--boundary'));
const headers = fc.dictionary(fc.stringMatching(/^[a-z][a-z-]{0,8}$/), fc.stringMatching(/^[!-~]{1,20}$/), {
  noNullPrototype: true,
});
const chunkLengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });

describe('a multipart message', () => {
  test('has the same parts wherever its chunks begin', async () => {
    const parts = fc.array(fc.tuple(headers, content), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(parts, chunkLengths, async (given, lengths) => {
        expect(await read(write(given, 'boundary'), 'boundary', lengths)).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  test('is refused when it is cut off anywhere before its end', async () => {
    const message = write(
      [
        [{ a: 'b' }, Buffer.from('{}')],
        [{ c: 'd' }, Buffer.from('x\r\n--boun')],
      ],
      'boundary',
    );
    for (let length = 0; length < message.length - '--\r\n'.length; length++) {
      const result = read(message.subarray(0, length), 'boundary', [3]);
      await expect(result, `${length} bytes`).rejects.toBeInstanceOf(OutboundError);
    }
  });

  test('never causes another error than an OutboundError', async () => {
    const noise = fc
      .array(fc.oneof(fc.constantFrom('--b', '\r\n--b', '--', '\r\n', ':', ' ', 'a: b\r\n', '\r\n\r\n'), fc.string()))
      .map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(noise, chunkLengths, async (message, lengths) => {
        const error: unknown = await read(message, 'b', lengths).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error === undefined || error instanceof OutboundError).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['text before the first part', 'ignored\r\n--b\r\n\r\nx\r\n--b--'],
    ['line breaks before the first part', '\r\n\r\n--b\r\n\r\nx\r\n--b--'],
    ['spaces after the boundary', '--b \t\r\n\r\nx\r\n--b-- \r\n'],
    ['text after the last part', '--b\r\n\r\nx\r\n--b--ignored\r\n--b\r\n\r\ny\r\n--b--'],
  ])('may have %s', async (_, message) => {
    expect(await read(message, 'b')).toEqual([[{}, Buffer.from('x')]]);
  });

  test.each([
    ['no line break', '--b\r\nA: b\r\n\r\n--b--'],
    ['one line break', '--b\r\nA: b\r\n\r\n\r\n--b--'],
  ])('may have a part without content, with %s between its headers and the boundary', async (_, message) => {
    for (const length of [1, 2, 3, 100])
      expect(await read(message, 'b', [length])).toEqual([[{ a: 'b' }, Buffer.of()]]);
  });

  test('has names of headers in lower case, continued values, and the first of equal headers', async () => {
    const message = '--b\r\nX-Name:one\r\n  two\r\nx-name: three\r\nEMPTY:\r\n\r\nx\r\n--b--';
    expect((await read(message, 'b'))[0]?.[0]).toEqual({ 'x-name': 'one two', empty: '' });
  });

  test.each([
    ['text after a boundary', '--bc\r\n\r\nx\r\n--b--'],
    ['a header without a name', '--b\r\n: x\r\n\r\nx\r\n--b--'],
    ['a header without a colon', '--b\r\nx\r\n\r\nx\r\n--b--'],
    ['a continued header without a beginning', '--b\r\n x\r\n\r\nx\r\n--b--'],
    ['too many headers', `--b\r\n${'a: b\r\n'.repeat(65)}\r\nx\r\n--b--`],
    ['a header that is too long', `--b\r\na: ${'b'.repeat(20_000)}\r\n\r\nx\r\n--b--`],
    ['too much text before the first part', `${'x'.repeat(70_000)}\r\n--b\r\n\r\nx\r\n--b--`],
    ['no boundary', 'x'],
    ['nothing', ''],
  ])('is malformed with %s', async (_, message) => {
    await expect(read(message, 'b', [1_000])).rejects.toBeInstanceOf(OutboundError);
  });

  test('may be left in the middle of a part', async () => {
    const message = write(
      [
        [{ a: 'b' }, Buffer.alloc(1_000, 'x')],
        [{ c: 'd' }, Buffer.from('y')],
      ],
      'b',
    );
    const reader = new MultipartReader(inChunks(message, [10]), 'b');
    await reader.next();
    for await (const chunk of reader.content()) if (chunk.length > 0) break;
    expect(await reader.next()).toEqual(new Map([['c', 'd']]));
    expect((await contentOf(reader)).toString()).toBe('y');
    expect((await contentOf(reader)).toString()).toBe('');
  });

  test('passes a content on while it arrives', async () => {
    let sent = 0;
    async function* message() {
      yield await Promise.resolve(Buffer.from('--b\r\n\r\n'));
      for (; sent < 1_000; sent++) yield Buffer.alloc(1_000, 'x');
      yield Buffer.from('\r\n--b--');
    }
    const reader = new MultipartReader(message(), 'b');
    await reader.next();
    let bytes = 0;
    for await (const chunk of reader.content()) {
      bytes += chunk.length;
      expect(bytes).toBeGreaterThanOrEqual(sent * 1_000);
    }
    expect(bytes).toBe(1_000_000);
  });
});
