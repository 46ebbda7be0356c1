import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { endsMembership } from '../events/member-effects.ts';
import type { StateChange } from '../graph/state-changes.ts';

/** The functions that send events to servers that have not got them. */
export interface UnsentEventsListener {
  /** Sends the events that do not precede the first join of a server. It was not in the room when they were sent. */
  newServer(concurrent: readonly StoredEvent[]): void;
  /**
   * Sends an event after which the resolution of branches has removed members of some servers. The server of the event does
   * not send it to them if it has never known of the members, and they still take their users for members.
   */
  removedServers(cause: StoredEvent, servers: readonly string[]): void;
}

/** Reports events that servers have not got, because a join and the events were sent at the same time. */
export class UnsentEvents {
  #listener: UnsentEventsListener | undefined;

  listen(listener: UnsentEventsListener): void {
    this.#listener = listener;
  }

  /** Reports the first join of a server. */
  joined(concurrent: readonly StoredEvent[]): void {
    this.#listener?.newServer(concurrent);
  }

  /** Reports the servers whose users the resolution of branches has removed from the state after an event. */
  resolved(cause: StoredEvent, changes: readonly StateChange[]): void {
    const servers = new Set<string>();
    for (const change of changes) {
      // The event itself has the number 0 in the changes. Its server has sent it to the server of the removed user.
      if (!endsMembership(change) || change.after?.num === 0) continue;
      const server = domainOf(change.before?.stateKey ?? '');
      if (server !== undefined) servers.add(server);
    }
    if (servers.size > 0) this.#listener?.removedServers(cause, [...servers]);
  }
}
