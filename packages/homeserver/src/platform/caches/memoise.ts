/**
 * Returns a function that creates a value on its first call and returns the same value afterwards, such as a library
 * that few requests need. An `import()` would cost tens of microseconds even for a loaded library.
 */
export function memoise<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
