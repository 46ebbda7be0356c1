/**
 * The folders of the server from the bottom up. Each may import the folders before it and no others. Where an import
 * would have to go up, the higher folder listens to the lower one instead.
 */
export const FOLDERS: readonly string[] = [
  'platform',
  'storage',
  // Other servers: discovery, keys, signed requests.
  'federation',
  'doctor',
  // Domain folders.
  'application-services',
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
  'retention',
  'server-notices',
  'timeline',
  'search',
  'user-directory',
  'thread-subscriptions',
  'reports',
  'openid',
  'voip',
  'push-rules',
  'unread',
  'push',
  'to-device',
  'encryption',
  'sync',
  'application-service-transactions',
  // Domain folders do not import `http`, see `ISOLATED`.
  'http',
  'client-api',
  'admin-api',
  'federation-api',
];

/**
 * Folders that import only the listed folders. Domain folders do not import them, because they do not know how requests
 * arrive.
 */
export const ISOLATED: ReadonlyMap<string, readonly string[]> = new Map([
  ['http', ['platform']],
  ['config', ['platform']],
]);

/** The files that construct the server. They may import everything. */
export const COMPOSERS: readonly RegExp[] = [/^compose\//, /^main\.ts$/, /^cli\//];

/**
 * The folders of `storage/` that each of its folders may import. Families of tables import `engine` and hardly anything else,
 * and `engine` imports none of them.
 */
export const STORAGE: ReadonlyMap<string, readonly string[]> = new Map([
  ['engine', []],
  ['state', ['engine']],
  ['rooms', ['engine', 'state']],
  ['accounts', ['engine']],
  ['encryption', ['engine']],
  ['federation', ['engine']],
  ['media', ['engine']],
  ['push', ['engine']],
  ['sync', ['engine']],
  ['search', ['engine']],
  ['application-services', ['engine']],
]);

/** The packages that each package may import. */
export const PACKAGES: ReadonlyMap<string, readonly string[]> = new Map([
  ['protocol', []],
  ['api', ['protocol']],
  ['homeserver', ['api', 'protocol']],
]);

/**
 * Libraries with the only files that may import them, so that a library can be replaced in one place. Paths are below
 * `packages`.
 */
export const LIBRARIES: readonly (readonly [library: string, where: RegExp])[] = [
  ['node:crypto', /^protocol\/src\/|^homeserver\/src\//],
  ['node:sqlite', /^homeserver\/src\/storage\/engine\/(sqlite\/|data-folder\/lock\.ts$)/],
  ['node:worker_threads', /^homeserver\/src\/storage\/engine\/sqlite\//],
  ['pg', /^homeserver\/src\/storage\/engine\/postgres\/(postgres-connect|read-once)\.ts$/],
  ['node:https', /^homeserver\/src\/(http|platform\/outbound)\//],
  ['node:net', /^homeserver\/src\/(http|config|platform\/outbound)\//],
  ['node:dns', /^homeserver\/src\/platform\/outbound\//],
  ['node:v8', /^homeserver\/src\/platform\/monitoring\/heap(-watch)?\.ts$/],
  ['node:perf_hooks', /^homeserver\/src\/platform\/monitoring\/heap-watch\.ts$/],
  ['node:vm', /^homeserver\/src\/platform\/monitoring\/heap\.ts$/],
  ['node:querystring', /^homeserver\/src\/http\//],
  ['node:buffer', /^homeserver\/src\/(http|federation\/client)\//],
  ['node:fs', /^homeserver\/src\/(storage|config|cli|media\/blobs)\/|^homeserver\/src\/compose\/settings\.ts$/],
  ['node:fs/promises', /^homeserver\/src\/(media\/(blobs\/|garbage\.ts$)|storage\/engine\/data-folder\/)/],
  ['node:path', /^homeserver\/src\/(storage|config|media)\/|^homeserver\/src\/compose\/media\.ts$/],
  ['node:util', /^homeserver\/src\/media\/blobs\//],
  ['node:stream', /^homeserver\/src\/cli\//],
  ['node:readline/promises', /^homeserver\/src\/cli\//],
  ['node:module', /^homeserver\/src\/cli\//],
  ['pino', /^homeserver\/src\/platform\/monitoring\/log\.ts$/],
  ['prom-client', /^homeserver\/src\/platform\/monitoring\/prometheus\.ts$/],
  ['commander', /^homeserver\/src\/cli\//],
  // The program prints the version and states it to other servers.
  ['homeserver/package.json', /^homeserver\/src\/(cli\/program|compose\/federation-routes)\.ts$/],
  ['nodemailer', /^homeserver\/src\/push\/mail\/mailer\.ts$/],
  ['yaml', /^homeserver\/src\/config\/yaml-file\.ts$/],
  ['@napi-rs/blake-hash', /^homeserver\/src\/media\/blobs\/content-hash\.ts$/],
  ['sharp', /^homeserver\/src\/media\/thumbnails\/make-thumbnail\.ts$/],
  ['file-type', /^homeserver\/src\/media\/sniff\.ts$/],
  ['htmlparser2', /^homeserver\/src\/media\/previews\/page\.ts$/],
  ['aws4fetch', /^homeserver\/src\/media\/blobs\/s3-store\.ts$/],
  ['ipaddr.js', /^homeserver\/src\/platform\/outbound\/public-addresses\.ts$/],
  ['valibot', /^(api\/src|homeserver\/src\/(http|config|filters|cli))\//],
];

/** Folders of which only these files are loaded at the start, because many servers do not use them. */
export const LAZY_FOLDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['homeserver/src/federation/', ['homeserver/src/federation/public-domain.ts']],
  ['homeserver/src/federation-api/', []],
  ['homeserver/src/doctor/', []],
  ['homeserver/src/rooms/serving/', []],
  ['homeserver/src/media/remote/', []],
  ['homeserver/src/encryption/remote/', []],
]);

/** Libraries that are not loaded at the start, because few servers need them or need them later. */
export const LAZY_LIBRARIES: readonly string[] = [
  'aws4fetch',
  'file-type',
  'htmlparser2',
  'ipaddr.js',
  'pg',
  'prom-client',
  'sharp',
  'yaml',
];

/** The sources of time and randomness, which only `platform` may read, so that a simulation can control them. */
export const CLOCK_AND_RANDOM =
  /\bDate\.now\b|\bnew Date\(|\bperformance\.|\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bsetTimeout\b|\bsetInterval\b|\bgetRandomValues\b/;

/** An import of `node:http` as a module, which costs 50 ms at the start (docs/decisions/0001-http.md). */
export const HTTP_IMPORT = /^import (?!type\b).*'(node:)?http'/m;

/**
 * Files of `packages/api` that are not named after the last segment of the path of their endpoint, with that path. The
 * last segments of `/.well-known/matrix/client` and `/.well-known/matrix/server` say nothing about the endpoints.
 */
export const ENDPOINT_FILES: ReadonlyMap<string, string> = new Map([
  ['client/well-known.ts', '/.well-known/matrix/client'],
  ['federation/well-known.ts', '/.well-known/matrix/server'],
]);

/** The folders of handlers with the folders of `packages/api` that declare their endpoints. */
export const HANDLER_FOLDERS: ReadonlyMap<string, string> = new Map([
  ['client-api', 'client'],
  ['admin-api', 'admin'],
  ['federation-api', 'federation'],
]);

/** The folder of functions that several handlers share. It contains no handlers. */
export const HANDLER_SUPPORT = 'client-api/support/';

/** The folders of `sync` in the order in which an answer is made. A folder imports only from those before it. */
export const SYNC_STEPS: readonly string[] = ['changes', 'select', 'gather', 'render'];

/** The largest number of source files in one folder. */
export const FOLDER_FILES_MAX = 16;

/** Folders with more files, with the reason. Paths are below `packages`. */
export const LARGE_FOLDERS: ReadonlyMap<string, string> = new Map([
  ['homeserver/src/compose', 'one file for each domain'],
  ['homeserver/src/storage/engine/migrations', 'one file for each version of the schema'],
]);

export const FILE_LINES_MAX = 300;
export const FILE_LINES_MEDIAN_MAX = 80;
/** The number of lines that 90 % of the files do not exceed. */
export const FILE_LINES_MOST_MAX = 200;

/** Text that must not be in the sources. The linter refuses functions over 60 lines. */
export const BANNED_TEXTS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['a note to do something later', /\b(TODO|FIXME|XXX)\b/],
  ['a default export', /^export default\b/m],
  ['a decorator', /^\s*@[A-Z]\w*\(/m],
];

/** The beginning of a sentence or of a test title that names no subject. */
export const WITHOUT_SUBJECT = /^(what|who|whom|whose|so|of|that|whatever|whoever|whichever)\b/i;

/** The beginning of the docstring of a function: a verb in the third person, not the plural of a noun, or a tag. */
export const DOCSTRING_OF_FUNCTION = /^(?:[A-Z][a-z]+s\b(?! (?:who|whose|are|have|may|must|cannot)\b)|@)/;

/** A word or the beginning of a sentence that a comment repeats, as after a careless replacement. */
export const REPEATED = /(?:\b([A-Z][^.:]{14,}): \1|\b(?!(?:that|had)\b)([a-z]{2,}) \2\b)/i;

/** The largest number of dependencies of an object or function. */
export const DEPENDENCIES_MAX = 7;

/** The names of types that consist of dependencies. */
export const DEPENDENCY_TYPE = /(Deps|Dependencies|Parts)$/;

/** The names of parameters that consist of dependencies, in any function. */
export const DEPENDENCY_PARAMETER = /^(deps|dependencies|parts)$/;

/** The names of functions that return routes. All their parameters are dependencies. */
export const ROUTES = /Routes$/;
