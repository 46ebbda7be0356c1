import { describeKeys, type KeyDescription } from './describe.ts';

const INTRODUCTION = `# Configuration

<!-- Written by \`npm run docs\` from packages/homeserver/src/config/schema.ts. -->

Hearth reads one YAML file: the file of \`--config\`, otherwise \`hearth.yaml\` in the current folder if it exists. Every
key is optional. The server does not start with unknown keys or invalid values, and reports their lines.
\`hearth check-config\` checks the file without starting the server. Paths in the file are relative to the folder of the
file. The options \`--server-name\`, \`--data-dir\` and \`--listen\` override the file.

Secrets can come from environment variables instead of the file. A variable that is named below overrides its key.
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
