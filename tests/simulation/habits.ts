/** What a device's filter says of rooms. */
export interface HabitFilter {
  readonly room: {
    readonly timeline: {
      readonly limit: number;
      readonly not_types?: readonly string[];
      readonly not_senders?: readonly string[];
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
  /** How likely it goes back to an older token, with what it knew then: as a client that was not shut down properly. */
  readonly goesBack: number;
  /** How likely it sends two requests with the same token in parallel. */
  readonly twice: number;
  /** It leaves its request open until something happens. */
  readonly waits: boolean;
  /** Returns whether its filter lets an event of the timeline pass. */
  shows(event: { readonly type: string; readonly sender: string }): boolean;
}

interface Given extends Partial<Habit> {
  readonly limit?: number;
  /** Types that its filter leaves out of timelines. */
  readonly hides?: readonly string[];
  /** Users whose events its filter leaves out of timelines. */
  readonly hidesUsers?: readonly string[];
}

function habit(name: string, given: Given = {}): Habit {
  const { limit = 10, hides = [], hidesUsers = [], isLazy = false } = given;
  const timeline = {
    limit,
    ...(hides.length === 0 ? {} : { not_types: hides }),
    ...(hidesUsers.length === 0 ? {} : { not_senders: hidesUsers }),
  };
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
    goesBack: 0,
    twice: 0,
    waits: false,
    shows: ({ type, sender }) => !hides.includes(type) && !hidesUsers.includes(sender),
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
  habit('going back', { goesBack: 0.2, twice: 0.3, limit: 4 }),
  habit('lazy, going back', { isLazy: true, goesBack: 0.3, twice: 0.3, limit: 3 }),
  habit('without one sender', { hidesUsers: ['@bob:sim.test'], limit: 3 }),
  habit('little of much', { hides: ['m.room.message', 'm.room.redaction', 'm.reaction'], limit: 1, often: 0.05 }),
  habit('lazy, state after', { isLazy: true, limit: 3, stateAfter: true }),
  habit('state after', { stateAfter: true, limit: 3, often: 0.3 }),
  habit('state after, filtered', { stateAfter: true, limit: 3, often: 0.3, hides: ['m.reaction', 'test.key'] }),
  habit('filtered', { hides: ['m.reaction', 'test.key', 'm.room.topic'], limit: 4 }),
  habit('full state', { fullState: 0.3, limit: 5 }),
  habit('waiting', { waits: true }),
  habit('waiting, filtered', { waits: true, hides: ['m.room.message'] }),
];
