import type { BaseIssue } from 'valibot';
import { closest } from './closest.ts';
import { isSecret, keysBelow, writeAt } from './describe.ts';
import type { KeyPath } from './key-path.ts';

/** The error for an invalid configuration. The message has one line for each mistake. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** A mistake and its key. */
export interface Problem {
  readonly path: KeyPath;
  readonly message: string;
}

/** Returns the mistake and a valid value. */
export function explain(issue: BaseIssue<unknown>): Problem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  const name = path.join('.');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return { path, message: unknownKey(path) };
  }
  const write = writeAt(path);
  if (issue.input === undefined) return { path, message: `'${name}' is missing: write ${write}` };
  return { path, message: `'${name}' cannot be ${isSecret(path) ? 'what it is' : shown(issue.input)}: write ${write}` };
}

function unknownKey(path: KeyPath): string {
  const siblings = keysBelow(path.slice(0, -1));
  const suggestion = closest(String(path.at(-1)), siblings);
  const instead = suggestion === undefined ? `there are ${siblings.join(', ')}` : `did you mean '${suggestion}'?`;
  return `unknown key '${path.join('.')}': ${instead}`;
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
