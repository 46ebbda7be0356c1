import { getHealth } from '@hearth/api/admin/health.ts';
import { type Route, route } from '../http/route.ts';

/** A source of warnings for operators. */
export interface Watched {
  readonly warning: string | undefined;
}

/**
 * Returns the route of `GET /health`, which shows that the process answers. The status is `warning`, with the reasons,
 * when an operator has to act soon.
 */
export function healthRoutes(watched: readonly Watched[]): Route[] {
  return [
    route(getHealth, () => {
      const warnings = watched.flatMap(({ warning }) => warning ?? []);
      return warnings.length === 0 ? { status: 'ok' } : { status: 'warning', warnings };
    }),
  ];
}
