/** The part of a device's filter about rooms. */
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

/** The way in which a device syncs. */
export interface Habit {
  readonly name: string;
  /** The probability that the device syncs in a step. */
  readonly often: number;
  readonly filter: HabitFilter;
  readonly isLazy: boolean;
  readonly stateAfter: boolean;
  /** The probability of a request with `full_state`. */
  readonly fullState: number;
  /** The probability that an answer is lost, so that the device repeats the request with the same token. */
  readonly loses: number;
  /**
   * The probability that the device goes back to an older token and its data of that time, like a client that was
   * killed.
   */
  readonly goesBack: number;
  /** The probability of two parallel requests with the same token. */
  readonly twice: number;
  /** Whether requests wait until something happens. */
  readonly waits: boolean;
  /** Returns whether the filter accepts an event of the timeline. */
  shows(event: { readonly type: string; readonly sender: string }): boolean;
}

interface Given extends Partial<Habit> {
  readonly limit?: number;
  /** Event types that the filter excludes from timelines. */
  readonly hides?: readonly string[];
  /** Users whose events the filter excludes from timelines. */
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
