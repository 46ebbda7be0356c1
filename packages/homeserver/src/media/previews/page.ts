import { Parser } from 'htmlparser2';

/** The metadata of a page. */
export interface Page {
  /** The first Open Graph property of each name. */
  readonly properties: ReadonlyMap<string, string>;
  /** The URL of the oEmbed data, if the page names one. */
  readonly oembed: string | undefined;
}

const PROPERTIES_MAX = 64;
const VALUE_LENGTH_MAX = 1_000;
const PROPERTY = /^og:[a-z:_]{1,60}$/;

/** The properties for which other elements are a substitute, by the name or property of the element. */
const FALLBACKS: ReadonlyMap<string, string> = new Map([
  ['twitter:title', 'og:title'],
  ['twitter:description', 'og:description'],
  ['description', 'og:description'],
  ['twitter:image', 'og:image'],
  ['twitter:image:src', 'og:image'],
]);

/** The elements whose text is not visible. */
const SILENT: ReadonlySet<string> = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'nav',
  'header',
  'footer',
]);

/** Reads the metadata of an HTML page. This file is loaded with the first page. */
export function readPage(html: string): Page {
  const reader = new PageReader();
  const parser = new Parser(reader, { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true });
  parser.end(html);
  return reader.page();
}

class PageReader {
  readonly #properties = new Map<string, string>();
  readonly #fallbacks = new Map<string, string>();
  #oembed: string | undefined;
  #title: string | undefined;
  #paragraph = '';
  #open: 'title' | 'p' | undefined;
  /** The number of enclosing elements without visible text. */
  #silent = 0;

  onopentag(name: string, attributes: Readonly<Record<string, string>>): void {
    if (SILENT.has(name)) this.#silent += 1;
    if (name === 'meta') this.#meta(attributes.property ?? attributes.name ?? '', attributes.content ?? '');
    if (name === 'link' && attributes.type === 'application/json+oembed') this.#oembed ??= attributes.href;
    if (this.#silent > 0) return;
    if (name === 'title' && this.#title === undefined) this.#open = 'title';
    if (name === 'p' && this.#paragraph.trim() === '') this.#open = 'p';
  }

  ontext(text: string): void {
    if (this.#silent > 0) return;
    if (this.#open === 'title') this.#title = cut((this.#title ?? '') + text);
    if (this.#open === 'p') this.#paragraph = cut(this.#paragraph + text);
  }

  onclosetag(name: string): void {
    if (SILENT.has(name)) this.#silent = Math.max(0, this.#silent - 1);
    if (name === this.#open) this.#open = undefined;
  }

  page(): Page {
    const properties = new Map(this.#properties);
    const add = (name: string, value: string | undefined) => {
      const text = clean(value ?? '');
      if (text !== '' && !properties.has(name)) properties.set(name, text);
    };
    for (const [name, value] of this.#fallbacks) add(name, value);
    add('og:title', this.#title);
    add('og:description', this.#paragraph);
    return { properties, oembed: this.#oembed };
  }

  #meta(given: string, content: string): void {
    const name = given.trim().toLowerCase();
    const value = clean(content);
    if (value === '') return;
    const fallback = FALLBACKS.get(name);
    if (fallback !== undefined && !this.#fallbacks.has(fallback)) this.#fallbacks.set(fallback, value);
    if (!PROPERTY.test(name) || this.#properties.has(name) || this.#properties.size >= PROPERTIES_MAX) return;
    this.#properties.set(name, value);
  }
}

function clean(text: string): string {
  return cut(text.replace(/\s+/g, ' ').trim());
}

function cut(text: string): string {
  return text.length <= VALUE_LENGTH_MAX ? text : text.slice(0, VALUE_LENGTH_MAX).toWellFormed();
}
