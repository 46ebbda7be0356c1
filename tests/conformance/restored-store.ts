import { MemoryStore, SyncAccumulator } from 'matrix-js-sdk';

type SyncData = Parameters<MemoryStore['setSyncData']>[0];
type Saved = Awaited<ReturnType<MemoryStore['getSavedSync']>>;

/**
 * A store that outlives its client, like the store that browsers keep on disk. The next client continues from its
 * token.
 */
export class RestoredStore extends MemoryStore {
  readonly #accumulator: SyncAccumulator;

  constructor(accumulator = new SyncAccumulator()) {
    super();
    this.#accumulator = accumulator;
  }

  /** Returns the store as a restarted client finds it. */
  reopened(): RestoredStore {
    return new RestoredStore(this.#accumulator);
  }

  override async setSyncData(data: SyncData): Promise<void> {
    await super.setSyncData(data);
    this.#accumulator.accumulate(data);
  }

  override async getSavedSync(): Promise<Saved> {
    const saved = this.#accumulator.getJSON(true);
    return saved.nextBatch === '' ? null : saved;
  }

  override async getSavedSyncToken(): Promise<string | null> {
    return this.#accumulator.getNextBatchToken() || null;
  }
}
