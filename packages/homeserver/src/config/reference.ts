import { describeKeys, type KeyDescription } from './describe.ts';

const INTRODUCTION = `# Configuration

<!-- Written by \`npm run docs\` from packages/homeserver/src/config/schema.ts. -->

Hearth reads one YAML file: the one given with \`--config\`, otherwise \`hearth.yaml\` in the current folder if it is
there. Every key is optional. Unknown keys and wrong values are refused with their line; \`hearth check-config\` looks
without starting. Paths in the file are relative to its folder. \`--server-name\`, \`--data-dir\` and \`--listen\` win over
the file.

Secrets need not stand in the file: where a variable is named below, the environment's value wins over the file's.
`;

/** Returns the reference of all keys, for \`docs/operating/configuration.md\`. */
export function configurationReference(): string {
  return `${INTRODUCTION}\n${describeKeys().map(entry).join('\n')}`;
}

function entry({ path, about, default: fallback }: KeyDescription): string {
  const lines = [`## \`${path.join('.')}\``, '', about.doc, '', `- Write: ${about.write}`];
  if (fallback !== undefined) lines.push(`- Default: \`${JSON.stringify(fallback)}\``);
  if (about.example !== undefined) lines.push(`- Example: \`${about.example}\``);
  if (about.env !== undefined) lines.push(`- Environment: \`${about.env}\``);
  return `${lines.join('\n')}\n`;
}
