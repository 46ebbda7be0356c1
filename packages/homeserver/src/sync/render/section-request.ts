import type { Reader } from '../../rooms/access.ts';
import type { LazyChain } from '../gather/lazy-members-cache.ts';
import type { SyncFilter } from '../sync-filter.ts';

/** The name of the member for the state after the timeline: the specified one, and the earlier one of MSC4222. */
export type StateAfterName = 'state_after' | 'org.matrix.msc4222.state_after';

/** The parameters of a request that all sections use. */
export interface SectionRequest {
  readonly user: number;
  readonly userId: string;
  readonly since: number | undefined;
  readonly upTo: number;
  readonly fullState: boolean;
  /** The name of the member for the state after the timeline; absent if the client wants the state before it. */
  readonly stateAfter: StateAfterName | undefined;
  readonly reader: Reader;
  readonly filter: SyncFilter;
  /** The request of a client that loads members lazily; absent for a client that gets all members. */
  readonly lazy: LazyChain | undefined;
}
