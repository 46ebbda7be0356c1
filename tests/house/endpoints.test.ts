import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from '@hearth/api/endpoint.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { ENDPOINT_FILES } from './rules.ts';

const API = fileURLToPath(new URL('../../packages/api/src/', import.meta.url));

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

  test('are declared by every file of client and admin', () => {
    const empty = declarations.filter(({ path, endpoints }) => /^(client|admin)\//.test(path) !== endpoints.length > 0);
    expect(empty.map(({ path }) => path)).toEqual([]);
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
