import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';

/** The members of an oEmbed answer (oembed.com) that correspond to Open Graph properties. */
const MEMBERS: ReadonlyMap<string, string> = new Map([
  ['title', 'og:title'],
  ['provider_name', 'og:site_name'],
  ['author_name', 'og:description'],
  ['thumbnail_url', 'og:image'],
]);

const VALUE_LENGTH_MAX = 1_000;

/** Returns Open Graph properties from an oEmbed answer; none if the text is not such an answer. */
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
