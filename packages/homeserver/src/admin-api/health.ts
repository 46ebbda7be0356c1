import { getHealth } from '@hearth/api/health.ts';
import { type Route, route } from '../http/route.ts';

/** Answers whoever watches the process that it can be reached and its event loop turns. */
export function healthRoutes(): Route[] {
  return [route(getHealth, () => ({ status: 'ok' }))];
}
