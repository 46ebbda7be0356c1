import { getHealth } from '@hearth/api/health.ts';
import { type Route, route } from '../http/route.ts';

/** Anything that can warn operators before it becomes a fault. */
export interface Watched {
  readonly warning: string | undefined;
}

/**
 * Answers monitoring that the process can be reached and its event loop turns. The status is `warning`, with the reasons,
 * when an operator has to do something soon.
 */
export function healthRoutes(watched: readonly Watched[]): Route[] {
  return [
    route(getHealth, () => {
      const warnings = watched.flatMap(({ warning }) => warning ?? []);
      return warnings.length === 0 ? { status: 'ok' } : { status: 'warning', warnings };
    }),
  ];
}
