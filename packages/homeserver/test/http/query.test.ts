import { parse } from 'node:querystring';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseQuery } from '../../src/http/query.ts';

test('queries are parsed as node:querystring parses them', () => {
  const piece = fc.oneof(
    fc.constantFrom('&', '=', '+', '%', '%20', '%C3%A9', '%zz', '%C3', 'a', 'b', '__proto__', '?', '#', ';'),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const search = pieces.join('');
      expect(parseQuery(search)).toEqual(parse(search));
    }),
    { numRuns: 2000 },
  );
});

test('parameters beyond the limit of node:querystring are ignored', () => {
  const search = Array.from({ length: 1100 }, (_, i) => `p${i}=${i}`).join('&&');
  expect(parseQuery(search)).toEqual(parse(search));
});
