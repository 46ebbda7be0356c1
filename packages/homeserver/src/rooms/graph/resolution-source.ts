import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { authForm } from '../head.ts';
import type { AuthChains } from './auth-chains.ts';

/** The stores that a resolution reads. */
export interface ResolutionSource {
  readonly names: Names;
  readonly states: StateStore;
  readonly events: Pick<EventStore, 'load' | 'list' | 'numsOf' | 'rowsOf'>;
  readonly authChains: Pick<AuthChains, 'chain' | 'load'>;
}

/** Returns the parts of a resolution that know an event which is not stored yet. */
export function withProvisional(
  { names, states, events, authChains }: ResolutionSource,
  provisional: StoredEvent,
  auth: readonly number[],
): ResolutionSource {
  const stored = (nums: Iterable<number>) => [...nums].filter((num) => num !== provisional.num);
  const has = (nums: Iterable<number>) => [...nums].includes(provisional.num);
  const starts = (nums: readonly number[]) => (has(nums) ? [...stored(nums), ...auth] : nums);
  return {
    names,
    states,
    events: {
      numsOf: (eventIds) => events.numsOf(eventIds),
      rowsOf: (eventIds) => events.rowsOf(eventIds),
      list: (nums) => events.list(nums),
      load: async (nums) => {
        const wanted = [...nums];
        const found = new Map(await events.load(stored(wanted)));
        if (has(wanted)) found.set(provisional.num, provisional);
        return found;
      },
    },
    authChains: {
      chain: async (nums) => {
        const wanted = [...nums];
        const chain = await authChains.chain(starts(wanted));
        if (has(wanted)) for (const num of auth) chain.add(num);
        return chain;
      },
      load: async (nums, version) => {
        const wanted = [...nums];
        const forms = await authChains.load(starts(wanted), version);
        if (!has(wanted)) return forms;
        const authEvents = (await events.list(auth)).map(({ eventId }) => eventId);
        forms.set(provisional.eventId, { ...authForm(provisional, []), authEvents });
        return forms;
      },
    },
  };
}
