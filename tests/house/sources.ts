import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGES = join(ROOT, 'packages');

/** A source file; the path is below `packages`. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** The imports: paths below `packages` for files of the project, otherwise the name as it is written. */
  readonly imports: readonly string[];
  /** The imports that are loaded together with the file: neither types nor dynamic imports. */
  readonly eager: readonly string[];
}

const IMPORT =
  /^(?:import\b[\w\s{},*$]*?(?:\bfrom )?|export\b[\w\s{},*$]*?\bfrom )'([^'\n]+)'|\bimport\('([^'\n]+)'\)/gm;

const EAGER = /^(?:import\b(?! type\b)[\w\s{},*$]*?(?:\bfrom )?|export\b(?! type\b)[\w\s{},*$]*?\bfrom )'([^'\n]+)'/gm;

/** Reads all sources of the packages. */
export function readSources(): Source[] {
  return globSync('*/src/**/*.ts', { cwd: PACKAGES }).map((path) => {
    const text = readFileSync(join(PACKAGES, path), 'utf8');
    const imports = [...withoutComments(text).matchAll(IMPORT)].map(([, name, lazy = '']) =>
      resolveImport(path, name ?? lazy),
    );
    const eager = [...withoutComments(text).matchAll(EAGER)].map(([, name = '']) => resolveImport(path, name));
    return { path, text, imports, eager };
  });
}

/** Reads files by patterns of their paths, which are below the root of the project. */
export function readAll(patterns: readonly string[]): { readonly path: string; readonly text: string }[] {
  return globSync(patterns, { cwd: ROOT }).map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Returns the code without comments. It assumes that no string looks like a comment. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function resolveImport(path: string, name: string): string {
  if (name.startsWith('.')) return normalize(join(dirname(path), name));
  return name.replace(/^@hearth\/([a-z]+)\//, '$1/src/');
}
