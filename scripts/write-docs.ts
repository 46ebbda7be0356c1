import { writeFileSync } from 'node:fs';
import { configurationReference } from '../packages/homeserver/src/config/reference.ts';

writeFileSync(new URL('../docs/operating/configuration.md', import.meta.url), configurationReference());
