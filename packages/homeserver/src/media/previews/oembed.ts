import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';

/** The members of an oEmbed answer (oembed.com) that mean the same as a property of Open Graph. */
const MEMBERS: ReadonlyMap<string, string> = new Map([
  ['title', 'og:title'],
  ['provider_name', 'og:site_name'],
  ['author_name', 'og:description'],
  ['thumbnail_url', 'og:image'],
]);

const VALUE_LENGTH_MAX = 1_000;

/** Open Graph properties from an oEmbed answer; none from what is no such answer. */
export function readOembed(text: string): Map<string, string> {
  const answer = parse(text);
  const found = new Map<string, string>();
  for (const [member, property] of MEMBERS) {
    const value = answer[member];
    if (typeof value === 'string' && value !== '') found.set(property, value.slice(0, VALUE_LENGTH_MAX).toWellFormed());
  }
  if (answer.type === 'photo' && typeof answer.url === 'string') found.set('og:image', answer.url);
  return found;
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
