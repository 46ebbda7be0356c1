import { expect, test } from 'vitest';
import { comments, functionDocstrings, sentences, titles } from './language.ts';
import { DOCSTRING_OF_FUNCTION, REPEATED, WITHOUT_SUBJECT } from './rules.ts';
import { readAll } from './sources.ts';

/** All files but this one, which contains examples of wrong sentences. */
const files = readAll(['packages/*/{src,test}/**/*.ts', 'tests/**/*.ts', 'scripts/*.ts', 'bin/*.js']).filter(
  ({ path }) => !path.endsWith('language.test.ts'),
);

/** Returns the sentences of comments and the test titles of a file that begin without a subject. */
function withoutSubject({ path, text }: { readonly path: string; readonly text: string }): string[] {
  const wrong = [...comments(text).flatMap(sentences), ...titles(text)].filter((one) => WITHOUT_SUBJECT.test(one));
  return wrong.map((one) => `${path}: ${one}`);
}

test('comments and test titles name their subject', () => {
  expect(files.flatMap(withoutSubject)).toEqual([]);
});

/** Returns the docstrings of functions and methods that do not begin with a verb. */
function withoutVerb({ path, text }: { readonly path: string; readonly text: string }): string[] {
  const wrong = functionDocstrings(text).filter((docstring) => !DOCSTRING_OF_FUNCTION.test(docstring));
  return wrong.map((docstring) => `${path}: ${docstring}`);
}

test('docstrings of functions and methods begin with a verb in the third person', () => {
  expect(files.filter(({ path }) => path.includes('/src/')).flatMap(withoutVerb)).toEqual([]);
});

test.each([
  ['/** The room. */\nfunction room() {}', ['The room.']],
  ['/**\n * A page.\n * @throws Error\n */\nexport async function page() {}', ['A page. @throws Error']],
  ['/** Looked up. */\n  async *#find<T>(a: T): number {', ['Looked up.']],
  ['/** Guests may join. */\n  static check(', ['Guests may join.']],
  ['/** Returns the room. */\nfunction room() {}', []],
  ['/** @throws Error */\n  room(): string;', []],
  ['/** The room. */\nconst ROOM = 1;', []],
  ['/** A room. */\ninterface Room {}', []],
  ['/** The room. */\n  get room(): Room {', []],
])('a docstring without a verb is found in %j', (text, wrong) => {
  expect(withoutVerb({ path: 'x', text })).toEqual(wrong.map((one) => `x: ${one}`));
});

test('no comment repeats a word or the beginning of its sentence', () => {
  const repeated = files.flatMap(({ path, text }) =>
    comments(text)
      .map((comment) => comment.replace(/\s+/g, ' ').trim())
      .filter((comment) => REPEATED.test(comment))
      .map((comment) => `${path}: ${comment}`),
  );
  expect(repeated).toEqual([]);
});

test.each(['The the room.', 'The size of a page: The size of a page: 100.'])(
  'a repetition is found in %j',
  (comment) => {
    expect(comment).toMatch(REPEATED);
  },
);

test.each([
  ['/** What is gone. */', ['What is gone.']],
  ['/**\n * Rooms. So it\n * is.\n * @throws Error\n */', ['So it is.']],
  ['const a = 1; // Whoever asks', ['Whoever asks']],
  ['// Of two lines\n// one.', ['Of two lines one.']],
  ["const url = 'http://x/**/*.ts';\n/** Whether it is. */", []],
  ["test('that it is', () => {});", ['that it is']],
  ["test.each([(a) => a(1)])('who %s', () => {});", ['who %s']],
  ["describe('rooms', () => {});", []],
])('a sentence without a subject is found in %j', (text, wrong) => {
  expect(withoutSubject({ path: 'x', text })).toEqual(wrong.map((one) => `x: ${one}`));
});
