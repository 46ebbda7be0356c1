import { checkJson } from '@hearth/api/check.ts';
import type { Schema } from '@hearth/api/endpoint.ts';
import { badJson, invalidParam, type MatrixError, missingParam } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type BaseIssue, getDotPath, safeParse } from 'valibot';

/** Checks a query. @throws MatrixError `M_MISSING_PARAM` or `M_INVALID_PARAM`, with the parameter's name */
export function checkQuery(schema: Schema, query: unknown): unknown {
  const result = safeParse(schema, query, FIRST_ONLY);
  if (result.success) return result.output;
  throw refusal(result.issues[0], 'query parameter', invalidParam);
}

/**
 * Checks a body. Optional members that are `null` count as absent.
 * @throws MatrixError `M_MISSING_PARAM` or `M_BAD_JSON`, with the member's path
 */
export function checkBody(schema: Schema, body: JsonObject, mayHaveNulls = true): unknown {
  const result = mayHaveNulls ? checkJson(schema, body) : safeParse(schema, body, FIRST_ONLY);
  if (result.success) return result.output;
  throw refusal(result.issues[0], 'member', badJson);
}

const FIRST_ONLY = { abortEarly: true } as const;

function refusal(issue: BaseIssue<unknown>, what: string, invalid: (message: string) => MatrixError): MatrixError {
  const path = getDotPath(issue);
  if (path === null) return invalid(reason(issue));
  if (issue.input === undefined) return missingParam(`Missing ${what} '${path}'`);
  return invalid(`Bad ${what} '${path}': ${reason(issue)}`);
}

/**
 * Returns the schema's own message if it has one, because the library's message would repeat the value, which may be a
 * secret.
 */
function reason(issue: BaseIssue<unknown>): string {
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  return issue.expected === null ? 'not acceptable' : `expected ${issue.expected}`;
}
