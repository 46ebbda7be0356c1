/** What a device's filter says of rooms. */
export interface HabitFilter {
  readonly room: {
    readonly timeline: {
      readonly limit: number;
      readonly not_types?: readonly string[];
      readonly lazy_load_members?: boolean;
    };
    readonly state?: { readonly lazy_load_members: boolean };
  };
}

/** How a device syncs. */
export interface Habit {
  readonly name: string;
  /** How likely it syncs in a step. */
  readonly often: number;
  readonly filter: HabitFilter;
  readonly isLazy: boolean;
  readonly stateAfter: boolean;
  /** How likely it asks for everything again. */
  readonly fullState: number;
  /** How likely an answer gets lost, so that the device asks again from the same token. */
  readonly loses: number;
  /** It leaves its request open until something happens. */
  readonly waits: boolean;
  shows(type: string): boolean;
}

function habit(name: string, given: Partial<Habit> & { limit?: number; hides?: readonly string[] } = {}): Habit {
  const { limit = 10, hides = [], isLazy = false } = given;
  const timeline = { limit, ...(hides.length === 0 ? {} : { not_types: hides }) };
  const filter = isLazy
    ? { room: { timeline: { ...timeline, lazy_load_members: true }, state: { lazy_load_members: true } } }
    : { room: { timeline } };
  return {
    name,
    often: 0.5,
    filter,
    isLazy,
    stateAfter: false,
    fullState: 0,
    loses: 0,
    waits: false,
    shows: (type) => !hides.includes(type),
    ...given,
  };
}

export const HABITS: readonly Habit[] = [
  habit('every step', { often: 1, limit: 50 }),
  habit('now and then', { often: 0.3 }),
  habit('rarely', { often: 0.03, limit: 5 }),
  habit('one event at a time', { often: 0.4, limit: 1 }),
  habit('losing answers', { often: 0.5, loses: 0.3 }),
  habit('lazy', { isLazy: true, limit: 4 }),
  habit('lazy and rare', { isLazy: true, limit: 3, often: 0.1 }),
  habit('lazy, losing answers', { isLazy: true, limit: 4, loses: 0.2 }),
  habit('lazy, state after', { isLazy: true, limit: 3, stateAfter: true }),
  habit('state after', { stateAfter: true, limit: 3, often: 0.3 }),
  habit('state after, filtered', { stateAfter: true, limit: 3, often: 0.3, hides: ['m.reaction', 'test.key'] }),
  habit('filtered', { hides: ['m.reaction', 'test.key', 'm.room.topic'], limit: 4 }),
  habit('full state', { fullState: 0.3, limit: 5 }),
  habit('waiting', { waits: true }),
  habit('waiting, filtered', { waits: true, hides: ['m.room.message'] }),
];
