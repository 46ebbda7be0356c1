import type { Reader } from '../../rooms/access.ts';
import type { LazyChain } from '../gather/lazy-members-cache.ts';
import type { SyncFilter } from '../sync-filter.ts';

/** The member for the state after the timeline, as specified and as clients from before that know it. */
export type StateAfterName = 'state_after' | 'org.matrix.msc4222.state_after';

/** The parts of a request that its sections have in common. */
export interface SectionRequest {
  readonly user: number;
  readonly userId: string;
  readonly since: number | undefined;
  readonly upTo: number;
  readonly fullState: boolean;
  /** Under which name the state after the timeline is wanted, instead of the one before it. */
  readonly stateAfter: StateAfterName | undefined;
  readonly reader: Reader;
  readonly filter: SyncFilter;
  /** The member events that the client has; absent for a client that gets all of them. */
  readonly lazy: LazyChain | undefined;
}
