import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from '@hearth/api/endpoint.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

const API = fileURLToPath(new URL('../../packages/api/src/', import.meta.url));

let server: TestServer;
let declared: Endpoint[];
beforeAll(async () => {
  server = await startServer();
  const modules = await Promise.all(globSync('**/*.ts', { cwd: API }).map((path) => import(`${API}${path}`)));
  declared = modules.flatMap((module: object) => Object.values(module).filter(isEndpoint));
});
afterAll(() => server.close());

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'operation' in value && 'paths' in value;
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
