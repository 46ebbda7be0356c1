/**
 * Text from outside in a form that every database stores: no NUL, which PostgreSQL refuses, no lone surrogates, and not
 * longer than `lengthMax`.
 */
export function sanitiseText(text: string, lengthMax: number): string {
  return text.replaceAll('\0', '').slice(0, lengthMax).toWellFormed();
}
