import { bracketed, splitOutside } from './brackets.ts';
import { type Source, withoutComments } from './sources.ts';

/** A declared object type. */
interface Declaration {
  readonly path: string;
  readonly members: readonly string[];
  /** The types whose members it has too: those after `extends`, or the type of an alias. */
  readonly included: readonly string[];
}

interface File {
  readonly text: string;
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Imported names, each with its file and its name there. */
  readonly imports: ReadonlyMap<string, { readonly path: string; readonly name: string }>;
}

/** A function or constructor with the types of its parameters. */
export interface Signature {
  /** The name of the function; `constructor` for a constructor. */
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
}

const INTERFACE = /\binterface (\w+)(?:<[^{]*>)?(?:\s+extends\s+([^{]+))?\s*\{/g;
const ALIAS = /^(?:export )?type (\w+) =/gm;
const IMPORT = /^import (?:type )?\{([^}]+)\} from '(\.[^']+)';/gm;
const FUNCTION = /\b(?:function (\w+)(?:<[^(]*>)?|constructor)\(/g;

/** The interfaces and type aliases of all sources, with which the members of a type can be counted. */
export class Types {
  readonly #files = new Map<string, File>();

  constructor(sources: readonly Source[]) {
    for (const { path, text } of sources) this.#files.set(path, readFile(path, withoutComments(text)));
  }

  /** Returns the names of the interfaces and aliases in a file. */
  declaredIn(path: string): readonly string[] {
    return [...(this.#files.get(path)?.declarations.keys() ?? [])];
  }

  /** Returns the functions and constructors in a file. */
  signaturesIn(path: string): readonly Signature[] {
    const { text = '' } = this.#files.get(path) ?? {};
    return [...text.matchAll(FUNCTION)].map(({ 0: start, 1: name = 'constructor', index }) => {
      const list = splitOutside(bracketed(text, index + start.length - 1), ',').filter((each) => each !== '');
      return { name, parameters: list.map(readParameter) };
    });
  }

  /**
   * Returns the members of an object type as it is written in a file, inherited ones included. A class, a union and a
   * type of a library have none.
   */
  membersOf(path: string, type: string): ReadonlySet<string> {
    const parts = splitOutside(type, '&');
    if (parts.length > 1) return new Set(parts.flatMap((part) => [...this.membersOf(path, part)]));
    if (type.startsWith('{')) return new Set(readMembers(bracketed(type, 0)));
    const [, selection, selected = ''] = /^(Pick|Omit)<(.+)>$/s.exec(type) ?? [];
    if (selection !== undefined) {
      const [from = '', keys = ''] = splitOutside(selected, ',');
      const named = new Set([...keys.matchAll(/'([^']+)'/g)].map(([, key]) => key));
      return new Set([...this.membersOf(path, from)].filter((key) => named.has(key) === (selection === 'Pick')));
    }
    const found = this.#find(path, type);
    const inherited = (found?.included ?? []).flatMap((each) => [...this.membersOf(found?.path ?? '', each)]);
    return new Set([...(found?.members ?? []), ...inherited]);
  }

  #find(path: string, name: string): Declaration | undefined {
    const file = this.#files.get(path);
    const imported = file?.imports.get(name);
    if (imported === undefined) return file?.declarations.get(name);
    return this.#files.get(imported.path)?.declarations.get(imported.name);
  }
}

function readFile(path: string, text: string): File {
  const declarations = new Map<string, Declaration>();
  for (const { 0: whole, 1: name = '', 2: bases = '', index } of text.matchAll(INTERFACE)) {
    const members = readMembers(bracketed(text, index + whole.length - 1));
    declarations.set(name, { path, members, included: splitOutside(bases, ',').filter((base) => base !== '') });
  }
  for (const { 0: whole, 1: name = '', index } of text.matchAll(ALIAS)) {
    const [type = ''] = splitOutside(text.slice(index + whole.length), ';');
    // Unions and function types are no object types.
    if (splitOutside(type, '|').length === 1 && !/^\(.*=>/s.test(type)) {
      declarations.set(name, { path, members: [], included: [type] });
    }
  }
  return { text, declarations, imports: readImports(path, text) };
}

function readImports(path: string, text: string): File['imports'] {
  const imports = new Map<string, { path: string; name: string }>();
  for (const [, names = '', from = ''] of text.matchAll(IMPORT)) {
    const target = new URL(from, `file:///${path}`).pathname.slice(1);
    for (const each of names.split(',')) {
      const [, name = '', alias = name] = /^\s*(?:type )?(\w+)(?: as (\w+))?\s*$/.exec(each) ?? [];
      if (name !== '') imports.set(alias, { path: target, name });
    }
  }
  return imports;
}

function readMembers(body: string): string[] {
  return splitOutside(body, ';').flatMap((member) => {
    const [, name] = /^(?:readonly )?['"]?([\w.$-]+)['"]?\??\s*[:(<]/.exec(member) ?? [];
    return name ?? [];
  });
}

/** Reads a parameter, such as `parts: Parts` or `{ clock }: Parts = {}`. */
function readParameter(text: string): { name: string; type: string } {
  const [name = '', ...type] = splitOutside(text, ':');
  return { name: name.replace(/\?$/, ''), type: splitOutside(type.join(':'), '=')[0] ?? '' };
}
