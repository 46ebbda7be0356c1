/**
 * Renders an event that is not in a timeline, such as account data or a receipt, as JSON text. `about` has the members
 * `room_id` or `sender` of the endpoints that include them.
 */
export function plainEvent(
  type: string,
  contentText: string,
  about: { readonly sender?: string; readonly room_id?: string } = {},
): string {
  const members = Object.entries(about).map(([name, value]) => `"${name}":${JSON.stringify(value)},`);
  return `{"type":${JSON.stringify(type)},${members.join('')}"content":${contentText}}`;
}
