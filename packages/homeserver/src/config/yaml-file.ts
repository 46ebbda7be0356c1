import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { KeyPath } from './key-path.ts';
import { ConfigError } from './problems.ts';

/** The content of a configuration file with the lines of its keys. */
export interface ParsedFile {
  readonly value: unknown;
  /** Returns the line of a key, from 1; the line of the nearest key above it if the key is absent. */
  line(path: KeyPath): number;
}

/** Parses YAML. @throws ConfigError with the line of each mistake */
export function parseYaml(file: string, text: string): ParsedFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error) => `${file}:${counter.linePos(error.pos[0]).line}: ${error.message}`),
    );
  }
  const lineAt = (offset: number | undefined) => (offset === undefined ? undefined : counter.linePos(offset).line);
  return {
    value: document.toJS() as unknown,
    line(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lineAt(offsetOf(document, path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

function offsetOf(document: Document, path: KeyPath): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
    return pair !== undefined && isNode(pair.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
