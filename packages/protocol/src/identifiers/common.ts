const NAMESPACED = /^[a-z][a-z0-9._-]{0,254}$/;
const OPAQUE = /^[0-9A-Za-z._~-]{1,255}$/;

/**
 * Returns whether a text matches the common namespaced identifier grammar (appendices, "Common Namespaced Identifier
 * Grammar").
 */
export function isNamespacedIdentifier(text: string): boolean {
  return NAMESPACED.test(text);
}

/** Returns whether only the specification may define a namespaced identifier. */
export function isReservedIdentifier(text: string): boolean {
  return text.startsWith('m.');
}

/** Returns whether a text matches the opaque identifier grammar (appendices, "Opaque Identifiers"). */
export function isOpaqueIdentifier(text: string): boolean {
  return OPAQUE.test(text);
}
