const NAMESPACED = /^[a-z][a-z0-9._-]{0,254}$/;
const OPAQUE = /^[0-9A-Za-z._~-]{1,255}$/;

/** Whether the text is of the common namespaced identifier grammar (appendices, "Common Namespaced Identifier Grammar"). */
export function isNamespacedIdentifier(text: string): boolean {
  return NAMESPACED.test(text);
}

/** Whether a namespaced identifier is one only the specification may define. */
export function isReservedIdentifier(text: string): boolean {
  return text.startsWith('m.');
}

/** Whether the text is of the opaque identifier grammar (appendices, "Opaque Identifiers"). */
export function isOpaqueIdentifier(text: string): boolean {
  return OPAQUE.test(text);
}
