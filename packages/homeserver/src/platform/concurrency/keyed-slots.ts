import { Slots } from './slots.ts';

interface SlotsInUse {
  readonly slots: Slots;
  tasks: number;
}

/** Limits the number of tasks of each key that run at the same time and the number of tasks that wait. */
export class KeyedSlots<K> {
  readonly #limits: { readonly running: number; readonly waiting: number };
  readonly #entries = new Map<K, SlotsInUse>();

  constructor(limits: { readonly running: number; readonly waiting: number }) {
    this.#limits = limits;
  }

  /** Runs a task as soon as its key has a free slot. @throws NoSlot when too many tasks of the key wait */
  async run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? { slots: new Slots(this.#limits), tasks: 0 };
    this.#entries.set(key, entry);
    entry.tasks += 1;
    try {
      return await entry.slots.run(task);
    } finally {
      entry.tasks -= 1;
      if (entry.tasks === 0) this.#entries.delete(key);
    }
  }
}
