import { notFound } from '@hearth/protocol/errors.ts';
import type { DestinationList, DestinationState } from '../../federation/sending/destination-list.ts';

/** Returns the state of another server. @throws MatrixError M_NOT_FOUND for an unknown one, and without federation */
export async function knownDestination(list: DestinationList | undefined, server: string): Promise<DestinationState> {
  const found = await list?.one(server);
  if (found === undefined) throw notFound('Unknown destination');
  return found;
}
