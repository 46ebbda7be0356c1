import { asInteger, asString } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { MissingEvents } from '../../storage/rooms/events/missing-events.ts';
import type { Head } from '../head.ts';
import type { Backfill } from './backfill.ts';
import type { ServersInRooms } from './servers-in-room.ts';

interface RemoteTimestampsParts {
  readonly client: Pick<FederationClient, 'request'>;
  readonly servers: ServersInRooms;
  readonly missingEvents: MissingEvents;
  readonly backfill: Backfill;
}

/** The number of servers that are asked. */
const SERVERS_MAX = 3;
const TIMEOUT_MS = 10_000;

/** Finds events near a time that this server does not have (server-server API, "GET /timestamp_to_event"). */
export class RemoteTimestamps {
  readonly #parts: RemoteTimestampsParts;

  constructor(parts: RemoteTimestampsParts) {
    this.#parts = parts;
  }

  /**
   * Fetches the event closest to a time in a direction, if another server knows a closer one.
   * @param known the time of the closest event that this server has
   */
  async fetch(head: Head, ts: number, dir: 'f' | 'b', known: number | undefined): Promise<void> {
    const { servers, missingEvents, backfill } = this.#parts;
    if (!(await missingEvents.isIncomplete(head.num))) return;
    for (const server of (await servers.others(head)).slice(0, SERVERS_MAX)) {
      const closest = await this.#ask(server, head.roomId, ts, dir);
      if (closest === undefined) continue;
      const isCloser = known === undefined || Math.abs(closest.ts - ts) < Math.abs(known - ts);
      if (isCloser && (await backfill.until(head, closest.eventId))) return;
      if (!isCloser) return;
    }
  }

  async #ask(
    server: string,
    roomId: string,
    ts: number,
    dir: 'f' | 'b',
  ): Promise<{ readonly eventId: string; readonly ts: number } | undefined> {
    const path = `/_matrix/federation/v1/timestamp_to_event/${encodeURIComponent(roomId)}?ts=${ts}&dir=${dir}`;
    try {
      const answer = await this.#parts.client.request(server, { method: 'GET', path, timeoutMs: TIMEOUT_MS });
      const [eventId, found] = [asString(answer.event_id), asInteger(answer.origin_server_ts)];
      return eventId === undefined || found === undefined ? undefined : { eventId, ts: found };
    } catch (error) {
      if (error instanceof FederationError) return undefined;
      throw error;
    }
  }
}
