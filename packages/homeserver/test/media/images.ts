import { crc32, deflateSync } from 'node:zlib';

/** A PNG of one colour, at its true size; only the header of a `lie` says another. */
export function png(width: number, height: number, lie: { width: number; height: number } = { width, height }): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(lie.width, 0);
  header.writeUInt32BE(lie.height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x7f)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A GIF with so many frames of one colour each, one after the other. */
export function gif(width: number, height: number, frames: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  // A palette of two colours, and an endless loop.
  const head = [Buffer.from('GIF89a'), size, Buffer.from([0x80, 0, 0, 255, 0, 0, 0, 0, 255])];
  const loop = Buffer.from([0x21, 0xff, 11, ...Buffer.from('NETSCAPE2.0'), 3, 1, 0, 0, 0]);
  const parts = Array.from({ length: frames }, (_, i) => [
    Buffer.from([0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0]),
    size,
    Buffer.from([0, 2]),
    ...blocks(plainPixels(width * height, i % 2)),
    Buffer.from([0]),
  ]).flat();
  return Buffer.concat([...head, loop, ...parts, Buffer.from([0x3b])]);
}

/** Uncompressed codes: each pixel, with a clear code so often that the code size never grows. */
function plainPixels(count: number, colour: number): Buffer {
  const bits: number[] = [];
  const put = (code: number) => bits.push(code & 1, (code >> 1) & 1, (code >> 2) & 1);
  for (let i = 0; i < count; i++) {
    if (i % 2 === 0) put(4);
    put(colour);
  }
  put(5);
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => {
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (i & 7));
  });
  return bytes;
}

function blocks(data: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const part = data.subarray(at, at + 255);
    parts.push(Buffer.from([part.length]), part);
  }
  return parts;
}
