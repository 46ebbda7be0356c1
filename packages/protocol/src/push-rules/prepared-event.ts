import { isObject, type JsonObject } from '../json/value.ts';
import { valueAt } from './path.ts';

/** An event, in the form clients see, that many rulesets are tried on. Its body, the long part, is put in lower case once. */
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

  /** The string at a path, split, in lower case; undefined when there is none. */
  lowerText(names: readonly string[]): string | undefined {
    return lowerCase(valueAt(this.event, names));
  }
}

function lowerCase(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toLowerCase() : undefined;
}
