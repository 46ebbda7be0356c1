import { describe, expect, test } from 'vitest';
import {
  COMPOSERS,
  FOLDERS,
  HTTP_IMPORT,
  ISOLATED,
  LAZY_FOLDERS,
  LAZY_LIBRARIES,
  LIBRARIES,
  PACKAGES,
  STORAGE,
  SYNC_STEPS,
} from './rules.ts';
import { readSources, type Source } from './sources.ts';

const sources = readSources();
const packageOf = (path: string) => path.split('/')[0] ?? '';
/** Returns the first name below `homeserver/src`. */
const folderOf = (path: string) => path.split('/')[2] ?? '';
const isOwnFile = (name: string) => /^[a-z]+\/src\//.test(name);

/** `path → import` for each import that breaks a rule. */
function broken(rule: (source: Source, name: string) => boolean): string[] {
  return sources.flatMap((source) =>
    source.imports.filter((name) => !rule(source, name)).map((name) => `${source.path} → ${name}`),
  );
}

function mayImport(from: string, to: string): boolean {
  const apart = ISOLATED.get(from);
  if (apart !== undefined) return apart.includes(to);
  // Domain folders do not import `config` and `http`; the folders of request handlers import `http`.
  if (to === 'config') return false;
  if (to === 'http') return from.endsWith('-api');
  return FOLDERS.includes(to) && FOLDERS.indexOf(to) < FOLDERS.indexOf(from);
}

describe('an import', () => {
  test('between packages goes down', () => {
    const rule = (source: Source, name: string) => {
      const [from, to] = [packageOf(source.path), packageOf(name)];
      return !isOwnFile(name) || from === to || (PACKAGES.get(from) ?? []).includes(to);
    };
    expect(broken(rule)).toEqual([]);
  });

  test('between folders goes down in the order of rules.ts', () => {
    const rule = (source: Source, name: string) => {
      const path = source.path.replace('homeserver/src/', '');
      if (!name.startsWith('homeserver/src/') || COMPOSERS.some((pattern) => pattern.test(path))) return true;
      const [from, to] = [folderOf(source.path), folderOf(name)];
      return from === to || mayImport(from, to);
    };
    expect(broken(rule)).toEqual([]);
  });

  test('between folders of storage is one that rules.ts allows', () => {
    const familyOf = (path: string) => /^homeserver\/src\/storage\/([^/]+)\//.exec(path)?.[1];
    const rule = ({ path }: Source, name: string) => {
      if (!path.startsWith('homeserver/src/storage/')) return true;
      const [from, to] = [familyOf(path) ?? '', familyOf(name)];
      return to === undefined || to === from || STORAGE.get(from)?.includes(to) === true;
    };
    expect(broken(rule)).toEqual([]);
    const outside = sources.filter(
      ({ path }) => path.startsWith('homeserver/src/storage/') && !STORAGE.has(familyOf(path) ?? ''),
    );
    expect(outside.map(({ path }) => path)).toEqual([]);
  });

  test('between the steps of sync goes from a later step to an earlier one', () => {
    const stepOf = (path: string) => SYNC_STEPS.indexOf(/^homeserver\/src\/sync\/([^/]+)\//.exec(path)?.[1] ?? '');
    const rule = ({ path }: Source, name: string) => stepOf(path) === -1 || stepOf(name) <= stepOf(path);
    expect(broken(rule)).toEqual([]);
    expect(SYNC_STEPS.filter((step) => !sources.some(({ path }) => path.includes(`/sync/${step}/`)))).toEqual([]);
  });

  test('from a library is in a file that rules.ts lists for it', () => {
    const rule = (source: Source, name: string) => {
      // Types of node:http cost nothing; imports of its value are checked below.
      if (isOwnFile(name) || name === 'node:http') return true;
      const known = LIBRARIES.find(([library]) => library === name);
      return known?.[1].test(source.path) === true;
    };
    expect(broken(rule)).toEqual([]);
  });

  test('from node:http imports only types', () => {
    expect(sources.filter(({ text }) => HTTP_IMPORT.test(text)).map(({ path }) => path)).toEqual([]);
  });

  /** Returns the files that are loaded at the start. */
  function loadedAtStart(): Set<string> {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const loaded = new Set(['homeserver/src/main.ts']);
    for (const path of loaded) for (const name of byPath.get(path)?.eager ?? []) loaded.add(name);
    return loaded;
  }

  test('from a library that few servers need is not loaded at the start', () => {
    const loaded = loadedAtStart();
    expect(loaded).toContain('homeserver/src/http/serve.ts');
    expect(LAZY_LIBRARIES.filter((library) => loaded.has(library))).toEqual([]);
  });

  test('from a folder that many servers do not use is not loaded at the start', () => {
    const loaded = [...loadedAtStart()];
    for (const [folder, allowed] of LAZY_FOLDERS) {
      expect(loaded.filter((path) => path.startsWith(folder))).toEqual(allowed);
    }
  });

  test('cannot be in a folder that rules.ts does not list', () => {
    const folders = new Set(
      sources.filter(({ path }) => /^homeserver\/src\/.+\//.test(path)).map(({ path }) => folderOf(path)),
    );
    expect([...folders].filter((name) => ![...FOLDERS, ...ISOLATED.keys(), 'compose', 'cli'].includes(name))).toEqual(
      [],
    );
  });
});
