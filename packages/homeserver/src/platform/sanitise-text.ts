/**
 * Converts text from others to a form that every database stores: without NUL, which PostgreSQL refuses, without lone
 * surrogates, and not longer than `lengthMax`.
 */
export function sanitiseText(text: string, lengthMax: number): string {
  return text.replaceAll('\0', '').slice(0, lengthMax).toWellFormed();
}
