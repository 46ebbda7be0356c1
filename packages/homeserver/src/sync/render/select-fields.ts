import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type FieldPath, selectFields } from '../../filters/event-fields.ts';

/** Reduces each event, as JSON text, to the fields that a filter names (`event_fields`). */
export function selectTexts(texts: readonly string[], paths: readonly FieldPath[] | undefined): readonly string[] {
  if (paths === undefined) return texts;
  return texts.map((text) => JSON.stringify(selectFields(JSON.parse(text) as JsonObject, paths)));
}
