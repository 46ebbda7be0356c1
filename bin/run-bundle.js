import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** Before the code: checksums of the bundle it belongs to and of itself, which V8 does not look at closely enough. */
const HEADER_BYTES = 8;

/**
 * Runs the bundle with the code that `keepCompiled` has kept of an earlier run, see docs/decisions/0004-compiled-once.md.
 * @param {string} file the bundle, a CommonJS module of ASCII characters
 * @param {string} keptFile
 * @returns {() => void} `keepCompiled`: keeps the code of all functions that have run so far
 */
export function runBundle(file, keptFile) {
  const bytes = readFileSync(file);
  const checksum = crc32(bytes);
  const text = bytes.toString('latin1');
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
    filename: file,
    cachedData: readKept(keptFile, checksum),
  });
  const require = createRequire(file);
  const module = new Module(file);
  Object.assign(module, { filename: file, loaded: true, require });
  // The parts that are loaded later ask for the bundle by its name: they are to find this one.
  require.cache[file] = module;
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  return () => {
    const code = script.createCachedData();
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(checksum, 0);
    header.writeUInt32LE(crc32(code), 4);
    writeFileSync(`${keptFile}.new`, Buffer.concat([header, code]));
    renameSync(`${keptFile}.new`, keptFile);
  };
}

/** What was kept, if it belongs to this text and is whole. */
function readKept(file, checksum) {
  let kept;
  try {
    kept = readFileSync(file);
  } catch {
    return undefined;
  }
  const code = kept.subarray(HEADER_BYTES);
  const isOurs =
    kept.length > HEADER_BYTES && kept.readUInt32LE(0) === checksum && kept.readUInt32LE(4) === crc32(code);
  return isOurs ? code : undefined;
}
