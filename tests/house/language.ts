const BLOCK = /(?<=^|\s)\/\*[\s\S]*?\*\//g;
const LINES = /(?<=^|\s)\/\/ .*(?:\n[ \t]*\/\/ .*)*/g;
const TITLE = /\b(?:test|describe)\b(?:\.\w+)*(?:\([^'"`]*?\))?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;
const EACH_TITLE = /\)\((['"`])((?:\\.|(?!\1)[^\\])*)\1,\s*(?:\{[^}]*\},\s*)?(?:async )?\(/g;

/** Returns the comments of a source without their marks. Consecutive lines of comments are one comment. */
export function comments(text: string): string[] {
  const blocks = [...text.matchAll(BLOCK)].map(([block]) => block.replace(/^\/\*+|\*\/$|^\s*\*/gm, ' '));
  const lines = [...text.replace(BLOCK, '').matchAll(LINES)].map(([some]) => some.replace(/^\s*\/\/|\n\s*\/\//g, ' '));
  return [...blocks, ...lines];
}

/** Returns the sentences of a comment. A tag such as `@param` begins a new sentence. */
export function sentences(comment: string): string[] {
  return comment
    .replace(/\s+/g, ' ')
    .split(/(?<=[.!?]) (?=[A-Z@])|(?= @\w)/)
    .map((one) => one.trim());
}

/** Returns the titles of the tests in a source. */
export function titles(text: string): string[] {
  const found = [...text.matchAll(TITLE), ...text.matchAll(EACH_TITLE)].map((match) => match[2] ?? '');
  return [...new Set(found)];
}

const DOCSTRING = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*([^\n]*)/g;
const FUNCTION = /^(?:export )?(?:async )?function\b/;
const METHOD = /^(?:static )?(?:async )?\*?(?:#?\w+|\[Symbol\.\w+\])(?:<[^(]*>)?\(/;
const KEYWORD = /^(?:const|constructor|type|interface|class|readonly|return|if|for|while|switch)\b/;

/** Returns the docstrings of the functions and methods in a source. */
export function functionDocstrings(text: string): string[] {
  return [...text.matchAll(DOCSTRING)].flatMap(([, docstring = '', code = '']) => {
    if (!FUNCTION.test(code) && (!METHOD.test(code) || KEYWORD.test(code))) return [];
    return docstring
      .replace(/^\s*\*/gm, ' ')
      .replace(/\s+/g, ' ')
      .trim();
  });
}
