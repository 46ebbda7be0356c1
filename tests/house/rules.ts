/**
 * The folders of the server from the bottom up: each may import those before it, and nothing else of the server. An
 * arrow that would have to point back is a listener instead.
 */
export const FOLDERS: readonly string[] = [
  'platform',
  'storage',
  // The domains.
  'users',
  'profile',
  'filters',
  'account-data',
  'media',
  'rooms',
  'delayed-events',
  'typing',
  'presence',
  'receipts',
  'directory',
  'timeline',
  'retention',
  'search',
  'user-directory',
  'thread-subscriptions',
  'reports',
  'openid',
  'voip',
  'push',
  'to-device',
  'encryption',
  'sync',
  // Beside the domains, which do not know it: see `UNKNOWN_BELOW`.
  'http',
  'client-api',
  'admin-api',
];

/** What beside the folders below it a folder must not import: the domains do not know how requests arrive. */
export const APART: ReadonlyMap<string, readonly string[]> = new Map([
  ['http', ['platform']],
  ['config', ['platform']],
]);

/** The files that put everything together may import all of it. */
export const COMPOSERS: readonly RegExp[] = [/^compose[a-z-]*\.ts$/, /^settings\.ts$/, /^main\.ts$/, /^cli\//];

/** What each package may import of the others. */
export const PACKAGES: ReadonlyMap<string, readonly string[]> = new Map([
  ['protocol', []],
  ['api', ['protocol']],
  ['homeserver', ['api', 'protocol']],
]);

/** Libraries that one place has to itself, so that they can be replaced there. Paths are below `packages`. */
export const LIBRARIES: readonly (readonly [library: string, where: RegExp])[] = [
  ['node:crypto', /^protocol\/src\/|^homeserver\/src\//],
  ['node:sqlite', /^homeserver\/src\/storage\/(sqlite[a-z-]*|lock)\.ts$/],
  ['node:worker_threads', /^homeserver\/src\/storage\/sqlite[a-z-]*\.ts$/],
  ['pg', /^homeserver\/src\/storage\/postgres-connect\.ts$/],
  ['node:https', /^homeserver\/src\/http\//],
  ['node:net', /^homeserver\/src\/(http|config)\//],
  ['node:dns', /^homeserver\/src\/platform\/outbound\.ts$/],
  ['node:v8', /^homeserver\/src\/platform\/heap(-watch)?\.ts$/],
  ['node:perf_hooks', /^homeserver\/src\/platform\/heap-watch\.ts$/],
  ['node:vm', /^homeserver\/src\/platform\/heap\.ts$/],
  ['node:querystring', /^homeserver\/src\/http\//],
  ['node:buffer', /^homeserver\/src\/http\//],
  ['node:fs', /^homeserver\/src\/(storage|config|cli|media\/blobs)\/|^homeserver\/src\/settings\.ts$/],
  ['node:fs/promises', /^homeserver\/src\/media\/(blobs\/|garbage\.ts$)/],
  ['node:path', /^homeserver\/src\/(storage|config|media)\/|^homeserver\/src\/compose-media\.ts$/],
  ['node:util', /^homeserver\/src\/media\/blobs\//],
  ['node:stream', /^homeserver\/src\/cli\//],
  ['node:readline/promises', /^homeserver\/src\/cli\//],
  ['node:module', /^homeserver\/src\/cli\//],
  ['pino', /^homeserver\/src\/platform\/log\.ts$/],
  ['prom-client', /^homeserver\/src\/platform\/prometheus\.ts$/],
  ['commander', /^homeserver\/src\/cli\//],
  // For the version it prints.
  ['homeserver/package.json', /^homeserver\/src\/cli\/program\.ts$/],
  ['nodemailer', /^homeserver\/src\/push\/mailer\.ts$/],
  ['yaml', /^homeserver\/src\/config\/yaml-file\.ts$/],
  ['@napi-rs/blake-hash', /^homeserver\/src\/media\/blobs\/content-hash\.ts$/],
  ['sharp', /^homeserver\/src\/media\/thumbnails\/make-thumbnail\.ts$/],
  ['file-type', /^homeserver\/src\/media\/sniff\.ts$/],
  ['htmlparser2', /^homeserver\/src\/media\/previews\/page\.ts$/],
  ['aws4fetch', /^homeserver\/src\/media\/blobs\/s3-store\.ts$/],
  ['ipaddr.js', /^homeserver\/src\/platform\/public-addresses\.ts$/],
  ['valibot', /^(api\/src|homeserver\/src\/(http|config|filters|cli))\//],
];

/** Libraries that a start does not load: few servers need them, or only after a while. */
export const LAZY: readonly string[] = [
  'aws4fetch',
  'file-type',
  'htmlparser2',
  'ipaddr.js',
  'pg',
  'prom-client',
  'sharp',
  'yaml',
];

/** What nobody but `platform` reads: a simulation has to be able to turn the clock and to throw the dice. */
export const CLOCK_AND_RANDOM =
  /\bDate\.now\b|\bnew Date\(|\bperformance\.|\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bsetTimeout\b|\bsetInterval\b|\bgetRandomValues\b/;

/** An import of `node:http` as a module costs a start 50 ms, see docs/decisions/0001-http.md. */
export const HTTP_IMPORT = /^import (?!type\b).*'(node:)?http'/m;

export const FILE_LINES_MAX = 300;
export const FILE_LINES_MEDIAN_MAX = 100;

/** What has no place in the sources. Functions over 60 lines are refused by the linter. */
export const BANNED: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['a note to do something later', /\b(TODO|FIXME|XXX)\b/],
  ['a default export', /^export default\b/m],
  ['a decorator', /^\s*@[A-Z]\w*\(/m],
];
