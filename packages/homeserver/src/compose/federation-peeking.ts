import type { FederationClient } from '../federation/client/federation-client.ts';
import type { Serial } from '../platform/concurrency/serial.ts';
import { BegunPeeks } from '../rooms/peeking/begun-peeks.ts';
import type { HeldEvents } from '../rooms/peeking/held-events.ts';
import { PeekClient } from '../rooms/peeking/peek-client.ts';
import { PeekRequests } from '../rooms/peeking/peek-requests.ts';
import { PeekedState } from '../rooms/peeking/peeked-state.ts';
import type { RemotePeeks } from '../rooms/peeking/remote-peeks.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';
import type { Receiving, RemoteMembershipParts } from './federation-rooms.ts';

/** The objects that other parts share with the peeks of this server into rooms on other servers. */
export interface Peeking {
  readonly peeks: RemotePeeks;
  readonly held: HeldEvents;
  /** Lets this server come into a room by one request at a time: a join or a peek. */
  readonly entering: Serial<string>;
}

const RENEWED_EVERY_MS = 60_000;

/** Creates the objects that peek into rooms on other servers (MSC2444). */
export function openPeekRequests(
  { clock, random, background, log, metrics }: FederationBase,
  { rooms: { events, heads } }: Pick<Domains, 'rooms'>,
  client: Pick<FederationClient, 'request'>,
  { outliers, stateBefore, graphStates, appender, pdus, inTurn, servers }: Receiving,
  { peeks, held, entering, staging, knownRooms, joins }: Peeking & RemoteMembershipParts,
): PeekRequests {
  const begun = new BegunPeeks({
    client: new PeekClient(client),
    rooms: { known: knownRooms, servers, entering },
    peeks,
    state: new PeekedState({ events, outliers, stateBefore, graphStates, appender, pdus, inTurn }),
    held,
    receive: (server, some) => staging.add(server, some),
    tools: { clock, random, background },
  });
  joins.onJoined((head) => begun.joined(head));
  const requests = new PeekRequests({ heads, servers, peeks, begun, clock, background, log });
  const help = 'Rooms on other servers whose events this server gets without being in them';
  metrics.gauge('hearth_federation_peeked_rooms', help, () => peeks.activeCount);
  background.every(RENEWED_EVERY_MS, 'renewing peeks into rooms on other servers', () => requests.renew());
  return requests;
}
