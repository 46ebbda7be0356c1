import { MemoryStore, SyncAccumulator } from 'matrix-js-sdk';

type SyncData = Parameters<MemoryStore['setSyncData']>[0];
type Saved = Awaited<ReturnType<MemoryStore['getSavedSync']>>;

/** A store that outlives its client, as the one that browsers keep on disk: the next client goes on from its token. */
export class RestoredStore extends MemoryStore {
  readonly #accumulator: SyncAccumulator;

  constructor(accumulator = new SyncAccumulator()) {
    super();
    this.#accumulator = accumulator;
  }

  /** What a client that is started anew finds. */
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
