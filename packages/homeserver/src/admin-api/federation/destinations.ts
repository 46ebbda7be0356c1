import { getDestination, listDestinations } from '@hearth/api/admin/federation/destinations.ts';
import { knownDestination } from '../../client-api/support/known-destination.ts';
import { pageOf } from '../../client-api/support/list-page.ts';
import type { DestinationList, DestinationState } from '../../federation/sending/destination-list.ts';
import { type Route, route } from '../../http/route.ts';

type DestinationForm = ReturnType<typeof destinationForm>;

/** Returns the routes of `/federation/destinations`. Without federation there are no destinations. */
export function destinationRoutes(list: DestinationList | undefined): Route[] {
  return [
    route(listDestinations, async ({ query }) => {
      const all = (await list?.all()) ?? [];
      const matching = all.filter(({ server }) => server.includes(query.destination?.toLowerCase() ?? ''));
      const sorted = sort(matching.map(destinationForm), query.order_by, query.dir);
      return pageOf('destinations', sorted, query);
    }),
    route(getDestination, async ({ params }) => destinationForm(await knownDestination(list, params.destination))),
  ];
}

function destinationForm({ server, retryLastTs, retryIntervalMs, failureTs, position }: DestinationState) {
  return {
    destination: server,
    retry_last_ts: retryLastTs,
    retry_interval: retryIntervalMs,
    failure_ts: failureTs,
    last_successful_stream_ordering: position,
  };
}

function sort(forms: readonly DestinationForm[], by: keyof DestinationForm, dir: 'f' | 'b'): DestinationForm[] {
  const byName = (a: DestinationForm, b: DestinationForm) => compare(a.destination, b.destination);
  const sorted = forms.toSorted((a, b) => compare(a[by], b[by]) || byName(a, b));
  return dir === 'f' ? sorted : sorted.reverse();
}

/** Compares two values of the same member. Absent values come first. */
function compare(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
