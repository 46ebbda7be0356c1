import { isObject, type JsonObject } from '../json/value.ts';
import { valueAt } from './path.ts';

/**
 * An event in the client format that many rulesets are evaluated on. Its body, the longest part, is converted to lower
 * case once.
 */
export class PreparedEvent {
  readonly event: JsonObject;
  #body: string | undefined;

  constructor(event: JsonObject) {
    this.event = event;
  }

  /** The body in lower case; undefined when there is none. */
  get lowerBody(): string | undefined {
    const { content } = this.event;
    if (this.#body === undefined && isObject(content)) this.#body = lowerCase(content.body);
    return this.#body;
  }

  /** Returns the string at a path in lower case; undefined when there is none. */
  lowerText(names: readonly string[]): string | undefined {
    return lowerCase(valueAt(this.event, names));
  }
}

function lowerCase(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toLowerCase() : undefined;
}
