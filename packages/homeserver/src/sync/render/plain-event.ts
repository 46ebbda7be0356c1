/**
 * Renders an event outside timelines, such as account data or a receipt, as JSON text. The members of `about` are those
 * that some endpoints add to such events.
 */
export function plainEvent(
  type: string,
  contentText: string,
  about: { readonly sender?: string; readonly room_id?: string } = {},
): string {
  const members = Object.entries(about).map(([name, value]) => `"${name}":${JSON.stringify(value)},`);
  return `{"type":${JSON.stringify(type)},${members.join('')}"content":${contentText}}`;
}
