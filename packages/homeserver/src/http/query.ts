import { unescape as percentDecoded } from 'node:querystring';

/** The parameters of a query: each a string, or a list if it is repeated. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** As many as `node:querystring` reads. */
const PARAMETERS_MAX = 1000;

/**
 * Reads a query as `node:querystring` does. Its own reading goes through each character, which V8 optimises for ten
 * milliseconds in every server that has just started; splitting does not need that.
 */
export function parseQuery(search: string): Query {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const parameter of search.split('&', PARAMETERS_MAX)) {
    if (parameter === '') continue;
    const equals = parameter.indexOf('=');
    const name = decoded(equals === -1 ? parameter : parameter.slice(0, equals));
    const value = equals === -1 ? '' : decoded(parameter.slice(equals + 1));
    const before = query[name];
    if (before === undefined) query[name] = value;
    else if (typeof before === 'string') query[name] = [before, value];
    else before.push(value);
  }
  return query;
}

function decoded(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? percentDecoded(spaced) : spaced;
}
