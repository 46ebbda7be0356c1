/**
 * An event that is in no timeline, such as account data or a receipt, as JSON text. `about` says whose it is or where, on
 * the endpoints that say so.
 */
export function plainEvent(
  type: string,
  contentText: string,
  about: { readonly sender?: string; readonly room_id?: string } = {},
): string {
  const members = Object.entries(about).map(([name, value]) => `"${name}":${JSON.stringify(value)},`);
  return `{"type":${JSON.stringify(type)},${members.join('')}"content":${contentText}}`;
}
