import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from '@hearth/api/endpoint.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { ENDPOINT_FILES, HANDLER_FOLDERS, HANDLER_SUPPORT } from './rules.ts';
import { readSources } from './sources.ts';

const API = fileURLToPath(new URL('../../packages/api/src/', import.meta.url));

/** The files of `packages/api` whose endpoints each file with handlers imports. Paths are below the folders `src`. */
const handlerFiles = readSources().flatMap(({ path, text, imports }) => {
  const below = path.replace('homeserver/src/', '');
  if (!HANDLER_FOLDERS.has(below.split('/')[0] ?? '') || below.startsWith(HANDLER_SUPPORT)) return [];
  const endpoints = imports.filter((name) => /^api\/src\/(client|admin|federation)\//.test(name));
  return [{ path: below, text, imports: endpoints.map((name) => name.replace('api/src/', '')) }];
});

let server: TestServer;
/** The endpoints that each file of packages/api declares. */
let declarations: { readonly path: string; readonly endpoints: readonly Endpoint[] }[];
let declared: Endpoint[];
beforeAll(async () => {
  server = await startServer();
  declarations = await Promise.all(globSync('**/*.ts', { cwd: API }).map(readDeclarations));
  declared = declarations.flatMap(({ endpoints }) => endpoints);
});
afterAll(() => server.close());

async function readDeclarations(path: string) {
  const module: object = await import(`${API}${path}`);
  return { path, endpoints: Object.values(module).filter(isEndpoint) };
}

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'operation' in value && 'paths' in value;
}

/** Returns whether `path` ends with the last segment of the endpoint's first path that is no parameter, in kebab case. */
function isNamedAfter(path: string, { paths: [first = ''] }: Endpoint): boolean {
  const exception = ENDPOINT_FILES.get(path);
  if (exception !== undefined) return first === exception;
  const segment = first.split('/').findLast((part) => part !== '' && !part.startsWith('{')) ?? '';
  const name = segment.replaceAll('_', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return basename(path) === `${name}.ts`;
}

/** Returns the number of parameters of each exported function that returns routes. */
function routesParameters(text: string): number[] {
  const lists = [...text.matchAll(/^export function \w+\(([\s\S]*?)\): Route\[\] \{/gm)].map(([, list = '']) => list);
  return lists.map((list) => list.match(/^\s*\w+\??:|,\s*\w+\??:/g)?.length ?? 0);
}

describe('endpoints', () => {
  test('have exactly one handler each', () => {
    const handlers = Map.groupBy(server.routes, ({ endpoint }) => endpoint);
    const wrong = declared.filter((endpoint) => handlers.get(endpoint)?.length !== 1);
    expect(wrong.map(({ operation }) => operation)).toEqual([]);
  });

  test('are declared in packages/api if they have a handler', () => {
    const undeclared = server.routes.filter(({ endpoint }) => !declared.includes(endpoint));
    expect(undeclared.map(({ endpoint }) => endpoint.operation)).toEqual([]);
  });

  test('are declared in a file that is named after the last fixed segment of their first path', () => {
    const wrong = declarations.flatMap(({ path, endpoints }) =>
      endpoints.filter((endpoint) => !isNamedAfter(path, endpoint)).map(({ operation }) => `${path}: ${operation}`),
    );
    expect(wrong).toEqual([]);
  });

  test('are declared by every file of client, admin and federation', () => {
    const empty = declarations.filter(
      ({ path, endpoints }) => /^(client|admin|federation)\//.test(path) !== endpoints.length > 0,
    );
    expect(empty.map(({ path }) => path)).toEqual([]);
  });

  test('have their handler in the file of the same path', () => {
    const expected = (path: string) => path.replace(/^[^/]+/, (folder) => HANDLER_FOLDERS.get(folder) ?? folder);
    const wrong = handlerFiles.filter(({ path, imports }) => imports.join() !== expected(path));
    expect(wrong.map(({ path, imports }) => ({ path, imports }))).toEqual([]);
    const files = declarations.filter(({ endpoints }) => endpoints.length > 0).map(({ path }) => path);
    expect(handlerFiles.map(({ path }) => expected(path)).sort()).toEqual(files.sort());
  });

  test('have a handler that uses at most three objects', () => {
    const wrong = handlerFiles.filter(({ text }) => routesParameters(text).some((count) => count > 3));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test('have their routes in the order of the files of packages/api', () => {
    const fileOf = new Map(declarations.flatMap(({ path, endpoints }) => endpoints.map((one) => [one, path] as const)));
    const files = server.routes.map(({ endpoint }) => fileOf.get(endpoint) ?? '');
    expect(files).toEqual([...files].sort());
  });

  test('have unique operation names', () => {
    const byOperation = Map.groupBy(declared, ({ operation }) => operation);
    expect([...byOperation].filter(([, endpoints]) => endpoints.length > 1).map(([operation]) => operation)).toEqual(
      [],
    );
  });

  test('have the same parameters in all their paths', () => {
    const names = (path: string) => (path.match(/\{[^}]+\}/g) ?? []).sort().join();
    const wrong = declared.filter(({ paths }) => new Set(paths.map(names)).size > 1);
    expect(wrong.map(({ operation }) => operation)).toEqual([]);
  });

  test('have unique paths', () => {
    const places = declared.flatMap(({ method, paths }) =>
      paths.map((path) => `${method} ${path.replace(/\{[^}]+\}/g, '{}')}`),
    );
    expect(places.filter((place, i) => places.indexOf(place) !== i)).toEqual([]);
  });
});
