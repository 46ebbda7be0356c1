/** Returns a path of the content repository whose endpoints need a token. */
export function authenticated<const S extends string>(suffix: S) {
  return [`/_matrix/client/v1/media${suffix}`] as const;
}

/** Returns the spellings of a path of the content repository from before media needed tokens. */
export function deprecated<const S extends string>(suffix: S) {
  return [`/_matrix/media/v3${suffix}`, `/_matrix/media/r0${suffix}`, `/_matrix/media/v1${suffix}`] as const;
}
