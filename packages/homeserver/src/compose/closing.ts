interface Closable {
  close(): Promise<void> | void;
}

/** The objects that are closed when the program ends. */
export class Closing {
  readonly #objects: Closable[] = [];

  add(...objects: Closable[]): void {
    this.#objects.push(...objects);
  }

  /** Runs a function that adds objects. If it fails, the objects are closed. */
  async closeOnFailure<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      await this.closeAll();
      throw error;
    }
  }

  /** Closes the objects in the reverse of the order in which they were added. */
  async closeAll(): Promise<void> {
    for (const object of this.#objects.splice(0).reverse()) await object.close();
  }
}
