/** A set of identifiers that an application service is interested in (application service API, "Registration"). */
interface Namespace {
  readonly pattern: RegExp;
  /** Whether nobody else may create identifiers in the namespace. */
  readonly isExclusive: boolean;
}

/** A namespace as a registration file has it. */
export interface WrittenNamespace {
  readonly regex: string;
  readonly exclusive: boolean;
}

/** The namespaces of one kind of an application service. */
export class Namespaces {
  readonly #list: readonly Namespace[];

  constructor(written: readonly WrittenNamespace[]) {
    this.#list = written.map(({ regex, exclusive }) => ({ pattern: patternOf(regex), isExclusive: exclusive }));
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  has(identifier: string): boolean {
    return this.#list.some(({ pattern }) => pattern.test(identifier));
  }

  /** Returns whether an identifier is in an exclusive namespace. */
  reserves(identifier: string): boolean {
    return this.#list.some(({ pattern, isExclusive }) => isExclusive && pattern.test(identifier));
  }
}

/**
 * Returns the pattern of a namespace. Existing registrations expect that it has to match from the beginning of an identifier, but
 * not to its end.
 * @throws SyntaxError
 */
function patternOf(regex: string): RegExp {
  return new RegExp(`^(?:${regex})`);
}
