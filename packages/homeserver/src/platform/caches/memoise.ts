/**
 * Something that is made when it is first asked for, above all a library that few requests need: an `import()` costs tens
 * of microseconds even when everything is loaded.
 */
export function memoise<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
