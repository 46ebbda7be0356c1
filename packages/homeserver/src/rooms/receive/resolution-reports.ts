import type { Log } from '../../platform/monitoring/log.ts';
import type { Counter, Metrics } from '../../platform/monitoring/metrics.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateChange } from '../graph/state-changes.ts';

/** The number of changed state keys that one log line names. */
const REPORTED_MAX = 10;

/**
 * Reports changes of a room's state that are not those of the event that was accepted: the resolution of branches has
 * changed them, in the way that the rules demand or by a state reset.
 */
export class ResolutionReports {
  readonly #log: Pick<Log, 'info'>;
  readonly #changed: Counter;

  constructor(log: Pick<Log, 'info'>, metrics: Pick<Metrics, 'counter'>) {
    this.#log = log;
    const help = 'State keys of rooms whose event the resolution of branches has changed';
    this.#changed = metrics.counter('hearth_state_resolution_changes_total', help);
  }

  /** Reports what an accepted event has changed besides its own key. Another row of the same event is no change. */
  report({ roomId, eventId }: StoredEvent, changes: readonly StateChange[]): void {
    // The event itself has the number 0 in the changes.
    const resolved = changes.filter(({ before, after }) => after?.num !== 0 && before?.eventId !== after?.eventId);
    if (resolved.length === 0) return;
    this.#changed.add(resolved.length);
    const listed = resolved.slice(0, REPORTED_MAX).map(({ before, after }) => {
      const { type, stateKey } = after ?? before ?? { type: '', stateKey: '' };
      return `${type} ${stateKey}: ${before?.eventId ?? 'none'} to ${after?.eventId ?? 'none'}`;
    });
    this.#log.info('the resolution of branches has changed the state of a room', {
      roomId,
      eventId,
      count: resolved.length,
      changes: listed.join(', '),
    });
  }
}
