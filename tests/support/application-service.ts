import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';

/** The registration of an application service for tests, as its file has it. */
export interface TestRegistration extends JsonObject {
  id: string;
  url: string | null;
  as_token: string;
  hs_token: string;
  sender_localpart: string;
  namespaces: JsonObject;
}

/** Returns a registration for users and aliases that begin with `_NAME_`, which nobody else may create. */
export function registrationOf(name: string, more: JsonObject = {}): TestRegistration {
  return {
    id: name,
    url: null,
    as_token: `as-token-of-${name}`,
    hs_token: `hs-token-of-${name}`,
    sender_localpart: `${name}-bot`,
    namespaces: {
      users: [{ exclusive: true, regex: `@_${name}_.*` }],
      aliases: [{ exclusive: true, regex: `#_${name}_.*` }],
      rooms: [],
    },
    ...more,
  };
}

/** Writes registration files. Returns their paths for the configuration. */
export function registrationFiles(...registrations: readonly JsonObject[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-registrations-'));
  return registrations.map((registration, i) => {
    const file = join(folder, `${i}.yaml`);
    writeFileSync(file, JSON.stringify(registration));
    return file;
  });
}
