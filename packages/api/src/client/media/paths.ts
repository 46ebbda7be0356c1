/** A path of the content repository that wants a token. */
export function authenticated<const S extends string>(suffix: S) {
  return [`/_matrix/client/v1/media${suffix}`] as const;
}

/** The spellings of a path from before media wanted tokens. */
export function deprecated<const S extends string>(suffix: S) {
  return [`/_matrix/media/v3${suffix}`, `/_matrix/media/r0${suffix}`, `/_matrix/media/v1${suffix}`] as const;
}
