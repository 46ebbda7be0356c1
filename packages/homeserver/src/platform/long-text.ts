/**
 * Text of an answer: a string, or a list of strings and parts that are rendered while they are written. An answer may
 * therefore be longer than the memory and than the longest string of V8 (512 MiB).
 */
export type Text = string | LongText;

/** A part of a text that is rendered when everything before it has been written. */
export type Deferred = () => AsyncIterable<string>;

/** The length up to which strings are joined, in characters. Longer text stays in parts. */
const JOINED_MAX = 4 * 1024 * 1024;

/** Text in parts. */
export class LongText {
  readonly parts: readonly (string | Deferred)[];
  /** The length of the parts that are strings, in characters. */
  readonly length: number;

  constructor(parts: readonly (string | Deferred)[]) {
    this.parts = parts;
    this.length = parts.reduce((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0);
  }

  /** Renders the parts, one after the other. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (const part of this.parts) {
      if (typeof part === 'string') yield part;
      else yield* part();
    }
  }
}

/** Creates a text with one part that is rendered later. */
export function deferred(part: Deferred): LongText {
  return new LongText([part]);
}

/** Concatenates texts. */
export function concat(...texts: readonly Text[]): Text {
  return joined(texts, '');
}

/** Concatenates texts with a separator between them. */
export function joined(texts: readonly Text[], separator: string): Text {
  let text = '';
  const parts: (string | Deferred)[] = [];
  const add = (part: string | Deferred) => {
    if (typeof part === 'string' && text.length + part.length <= JOINED_MAX) {
      text += part;
      return;
    }
    if (text !== '') parts.push(text);
    text = '';
    if (typeof part === 'string') text = part;
    else parts.push(part);
  };
  for (const [i, each] of texts.entries()) {
    if (i > 0 && separator !== '') add(separator);
    if (typeof each === 'string') add(each);
    else for (const part of each.parts) add(part);
  }
  if (parts.length === 0) return text;
  if (text !== '') parts.push(text);
  return new LongText(parts);
}

/** Renders a text as one string. @throws RangeError when it is too long for one */
export async function wholeText(text: Text): Promise<string> {
  if (typeof text === 'string') return text;
  let whole = '';
  for await (const part of text) whole += part;
  return whole;
}
