import type { Log } from '../../platform/monitoring/log.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateChange } from '../graph/state-changes.ts';

/** The number of changed state keys that one log line names. */
const REPORTED_MAX = 10;

/**
 * Reports changes of a room's state that are not those of the event that was accepted: the resolution of branches has
 * changed them.
 */
export function reportResolved(
  log: Pick<Log, 'info'>,
  { roomId, eventId }: StoredEvent,
  changes: readonly StateChange[],
): void {
  // The event itself has the number 0 in the changes.
  const resolved = changes.filter(({ after }) => after?.num !== 0);
  if (resolved.length === 0) return;
  const listed = resolved.slice(0, REPORTED_MAX).map(({ before, after }) => {
    const { type, stateKey } = after ?? before ?? { type: '', stateKey: '' };
    return `${type} ${stateKey}: ${before?.eventId ?? 'none'} to ${after?.eventId ?? 'none'}`;
  });
  log.info('the resolution of branches has changed the state of a room', {
    roomId,
    eventId,
    count: resolved.length,
    changes: listed.join(', '),
  });
}
