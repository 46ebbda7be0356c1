import * as v from 'valibot';
import { about, text } from '../kinds.ts';

/** The application services of the server. */
export const applicationServices = v.optional(
  v.pipe(
    v.array(text),
    about({
      doc: 'The registration files of application services, such as bridges to other networks.',
      write: 'a list of paths of YAML files',
      example: '[irc.yaml]',
    }),
  ),
  [],
);
