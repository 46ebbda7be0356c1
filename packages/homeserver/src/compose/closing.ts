interface Closable {
  close(): Promise<void> | void;
}

/** The objects that are closed when the program ends. */
export class Closing {
  readonly #objects: Closable[] = [];

  add(...objects: Closable[]): void {
    this.#objects.push(...objects);
  }

  /** Closes the objects, the ones that were added last first. */
  async closeAll(): Promise<void> {
    for (const object of this.#objects.splice(0).reverse()) await object.close();
  }
}
