import { Parser } from 'htmlparser2';

/** The description that a page gives of itself. */
export interface Page {
  /** Open Graph properties by name, the first of each. */
  readonly properties: ReadonlyMap<string, string>;
  /** Where more can be asked for (oEmbed), if it says so. */
  readonly oembed: string | undefined;
}

const PROPERTIES_MAX = 64;
const VALUE_LENGTH_MAX = 1_000;
const PROPERTY = /^og:[a-z:_]{1,60}$/;

/** The substitutes for a missing property, by the name or property of the element that has them. */
const FALLBACKS: ReadonlyMap<string, string> = new Map([
  ['twitter:title', 'og:title'],
  ['twitter:description', 'og:description'],
  ['description', 'og:description'],
  ['twitter:image', 'og:image'],
  ['twitter:image:src', 'og:image'],
]);

/** Elements whose text is not for people. */
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

/** Reads what an HTML page says about itself. Loaded only where there is one. */
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
  /** How many elements around have no text for people. */
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
