import { describe, expect, test } from 'vitest';
import { DEPENDENCIES_MAX, DEPENDENCY_PARAMETER, DEPENDENCY_TYPE, ROUTES } from './rules.ts';
import { readSources } from './sources.ts';
import { type Signature, Types } from './types.ts';

const sources = readSources().filter(({ path }) => path.startsWith('homeserver/src/'));
const types = new Types(sources);

/** Returns whether all parameters of a function are dependencies. */
const isBuilder = ({ name }: Signature) => name === 'constructor' || ROUTES.test(name);

/** Returns the types in a file that consist of dependencies: named types, and types of parameters. */
function dependencyTypes(path: string): Set<string> {
  const named = types.declaredIn(path).filter((name) => DEPENDENCY_TYPE.test(name));
  const inline = types
    .signaturesIn(path)
    .flatMap((signature) =>
      signature.parameters.filter(({ name }) => isBuilder(signature) || DEPENDENCY_PARAMETER.test(name)),
    );
  return new Set([...named, ...inline.map(({ type }) => type)]);
}

describe('dependencies', () => {
  test('are at most seven in one type, inherited ones included', () => {
    const large = sources.flatMap(({ path }) =>
      [...dependencyTypes(path)]
        .map((type) => ({ type, count: types.membersOf(path, type).size }))
        .filter(({ count }) => count > DEPENDENCIES_MAX)
        .map(({ type, count }) => `${path}: ${type} has ${count}`),
    );
    expect(large).toEqual([]);
  });

  test('are at most seven parameters of a constructor or of a function that returns routes', () => {
    const large = sources.flatMap(({ path }) =>
      types
        .signaturesIn(path)
        .filter((signature) => isBuilder(signature) && signature.parameters.length > DEPENDENCIES_MAX)
        .map(({ name }) => `${path}: ${name}`),
    );
    expect(large).toEqual([]);
  });

  test('are counted with inherited, selected and combined members', () => {
    const text = `
import type { Base } from './base.ts';
interface Parts extends Base, Omit<More, 'a' | 'b'> { readonly own: () => void; method(a: string, b: string): void }
interface More { a: 1; b: 2; readonly c?: Map<string, { readonly x: number; y: number }> }
type AllDeps = Parts & Pick<More, 'a'> & { readonly z: number };
export class Thing<T> { constructor(private: T, { own, c }: Parts & { d: 1 } = NONE, callback: (a: 1) => void) {} }
`;
    const base = 'export interface Base { readonly one: Map<number, string>; two: 2 }';
    const some = new Types([
      { path: 'some/thing.ts', text, imports: [], eager: [] },
      { path: 'some/base.ts', text: base, imports: [], eager: [] },
    ]);
    const membersOf = (type: string) => [...some.membersOf('some/thing.ts', type)].sort();
    expect(membersOf('Parts')).toEqual(['c', 'method', 'one', 'own', 'two']);
    expect(membersOf('AllDeps')).toEqual(['a', 'c', 'method', 'one', 'own', 'two', 'z']);
    expect(some.signaturesIn('some/thing.ts').flatMap(({ parameters }) => parameters.map(({ type }) => type))).toEqual([
      'T',
      'Parts & { d: 1 }',
      '(a: 1) => void',
    ]);
    expect(membersOf('Parts & { d: 1 }')).toHaveLength(6);
  });
});
