interface PathNode<T> {
  readonly literals: Map<string, PathNode<T>>;
  parameter: PathNode<T> | undefined;
  readonly methods: Map<string, PathLeaf<T>>;
}

interface PathLeaf<T> {
  readonly value: T;
  readonly names: readonly string[];
}

/** The value that was declared for a path. `values` are decoded and in the order of `names`. */
export interface PathMatch<T> {
  readonly value: T;
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** Whether a parameter is not percent-encoded UTF-8 or contains U+0000. Such a value is not decoded. */
  readonly isMalformed: boolean;
}

/** The result of a lookup. `wrong-method`: the path exists only with other methods. */
export type Lookup<T> = PathMatch<T> | 'wrong-method' | undefined;

/**
 * Finds the value that was declared for a method and path. A path is split at its slashes before it is decoded, so that
 * a parameter may contain `%2F`. A literal segment takes precedence over a parameter. Parameters are never empty.
 */
export class PathTree<T> {
  readonly #root: PathNode<T> = newNode();

  /** Adds a path such as `/rooms/{roomId}/messages`. @throws Error when the path and method are already declared */
  add(method: string, path: string, value: T): void {
    const names: string[] = [];
    let node = this.#root;
    for (const segment of path.slice(1).split('/')) {
      const name = /^\{(.+)\}$/.exec(segment)?.[1];
      if (name !== undefined) names.push(name);
      node = name === undefined ? literalChild(node, segment) : parameterChild(node);
    }
    if (node.methods.has(method)) throw new Error(`${method} ${path} is declared twice`);
    node.methods.set(method, { value, names });
  }

  find(method: string, path: string): Lookup<T> {
    const search = new PathSearch<T>(method, path);
    const leaf = search.from(this.#root, 1);
    if (leaf === undefined) return search.isPathKnown ? 'wrong-method' : undefined;
    return { value: leaf.value, names: leaf.names, values: search.values, isMalformed: search.isMalformed };
  }
}

class PathSearch<T> {
  readonly values: string[] = [];
  isPathKnown = false;
  isMalformed = false;
  readonly #method: string;
  readonly #path: string;

  constructor(method: string, path: string) {
    this.#method = method;
    this.#path = path;
  }

  /**
   * Finds the rest of the path, which begins at `start`, below `node`. The recursion is as deep as the longest declared
   * path.
   */
  from(node: PathNode<T>, start: number): PathLeaf<T> | undefined {
    const path = this.#path;
    if (start > path.length) {
      if (node.methods.size > 0) this.isPathKnown = true;
      return node.methods.get(this.#method);
    }
    const slash = path.indexOf('/', start);
    const end = slash === -1 ? path.length : slash;
    const segment = this.#decode(path.slice(start, end));
    const literal = node.literals.get(segment);
    const found = literal && this.from(literal, end + 1);
    if (found !== undefined || node.parameter === undefined || segment === '') return found;
    this.values.push(segment);
    const below = this.from(node.parameter, end + 1);
    if (below === undefined) this.values.pop();
    return below;
  }

  #decode(segment: string): string {
    if (!segment.includes('%')) return segment;
    try {
      const decoded = decodeURIComponent(segment);
      if (decoded.includes('\0')) this.isMalformed = true;
      return decoded;
    } catch {
      this.isMalformed = true;
      return segment;
    }
  }
}

function newNode<T>(): PathNode<T> {
  return { literals: new Map(), parameter: undefined, methods: new Map() };
}

function literalChild<T>(node: PathNode<T>, segment: string): PathNode<T> {
  const child = node.literals.get(segment) ?? newNode<T>();
  node.literals.set(segment, child);
  return child;
}

function parameterChild<T>(node: PathNode<T>): PathNode<T> {
  node.parameter ??= newNode<T>();
  return node.parameter;
}
