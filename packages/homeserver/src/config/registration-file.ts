import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { errorText } from '../platform/error-text.ts';
import { ConfigError } from './problems.ts';

const given = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));

const namespace = v.object({
  regex: v.pipe(v.string('must be a text'), v.check(isPattern, 'must be a regular expression')),
  exclusive: v.optional(v.boolean('must be true or false'), false),
});

const namespaces = v.optional(v.nullable(v.array(namespace, 'must be a list')));
const flag = v.nullish(v.boolean('must be true or false'));

/** A registration file (application service API, "Registration"). Files of bridges have further keys. */
const registrationSchema = v.object({
  id: given,
  url: v.nullish(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^(https?:\/\/.+)?$/, 'must be an http or https URL, or null'),
      v.transform((url) => url.replace(/\/+$/, '')),
    ),
  ),
  as_token: given,
  hs_token: given,
  sender_localpart: given,
  rate_limited: flag,
  receive_ephemeral: flag,
  // The names before the key was specified (MSC2409).
  'de.sorunome.msc2409.push_ephemeral': flag,
  push_ephemeral: flag,
  protocols: v.nullish(v.array(v.string('must be a text'), 'must be a list')),
  namespaces: v.object(
    { users: namespaces, aliases: namespaces, rooms: namespaces },
    'must be an object with users, aliases and rooms',
  ),
});

export type RegistrationFile = v.InferOutput<typeof registrationSchema>;

/** Reads the registration file of an application service. @throws ConfigError with the line of each mistake */
export async function readRegistrationFile(file: string): Promise<RegistrationFile> {
  const { parseYaml } = await import('./yaml-file.ts');
  const parsed = parseYaml(file, textOf(file));
  const result = v.safeParse(registrationSchema, parsed.value);
  if (result.success) return result.output;
  throw new ConfigError(
    result.issues.map((issue) => {
      const path = (issue.path ?? []).map(({ key }) => key as string | number);
      return `${file}:${parsed.line(path)}: ${path.join('.')} ${issue.received === 'undefined' ? 'is missing' : issue.message}`;
    }),
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`cannot read the registration of an application service: ${errorText(error)}`]);
  }
}

function isPattern(regex: string): boolean {
  try {
    RegExp(regex);
    return true;
  } catch {
    return false;
  }
}
