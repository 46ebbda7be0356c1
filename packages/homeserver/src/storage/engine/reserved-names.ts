/** The maximum number of characters of reserved names. */
const CHARACTERS_MAX = 8_000_000;

/** Numbers that are reserved in memory for strings and not stored yet. The oldest are evicted first. */
export class ReservedNames {
  readonly #nums = new Map<string, number>();
  readonly #texts = new Map<number, string>();
  #characters = 0;

  num(text: string): number | undefined {
    return this.#nums.size === 0 ? undefined : this.#nums.get(text);
  }

  text(num: number): string | undefined {
    return this.#texts.get(num);
  }

  add(num: number, text: string): void {
    this.#nums.set(text, num);
    this.#texts.set(num, text);
    this.#characters += text.length;
    for (const [oldest, itsText] of this.#texts) {
      if (this.#characters <= CHARACTERS_MAX || oldest === num) return;
      this.delete(oldest, itsText);
    }
  }

  delete(num: number, text: string): void {
    if (this.#texts.get(num) !== text) return;
    this.#texts.delete(num);
    this.#nums.delete(text);
    this.#characters -= text.length;
  }
}
