import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import { PREV_EVENTS_MAX } from '@hearth/protocol/events/shape.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { references } from '../events/build.ts';
import type { EventDraft } from '../events/draft.ts';
import { type PduDeps, pdusOf } from '../events/pdu.ts';
import { authStateIn, type Head, type StateKeyPair } from '../head.ts';
import { STRIPPED_TYPES } from '../stripped-types.ts';

/** Chooses places in the event graph for events that other servers take part in. */
export class Templates {
  readonly #pdus: PduDeps;

  constructor(pdus: PduDeps) {
    this.#pdus = pdus;
  }

  /**
   * Returns `prev_events`, `auth_events` and `depth` of an event that follows the head of a room.
   * @throws MatrixError M_FORBIDDEN if the rules do not permit the event now
   */
  async place(head: Head, draft: EventDraft): Promise<JsonObject> {
    const { version } = head;
    const keys = authEventKeys(draft, version);
    // The events that the new one refers to must be stored.
    await head.pending;
    await head.ensure([['m.room.create', ''], ...keys]);
    const { type, sender, content, stateKey } = draft;
    const prev = head.extremities.slice(-PREV_EVENTS_MAX);
    const form = {
      eventId: '$template',
      roomId: head.roomId,
      sender,
      type,
      content,
      ...(stateKey !== undefined && { stateKey }),
      originServerTs: 0,
      authEvents: [],
      prevEvents: prev.map(({ eventId }) => eventId),
    };
    const refusal = authorise(form, authStateIn(head), version);
    if (refusal !== undefined) throw forbidden(refusal);
    const auth = keys.flatMap(([type_, key]) => head.known(type_, key) ?? []);
    return {
      auth_events: references(auth, version) as string[],
      depth: Math.min(head.row.depth + 1, Number.MAX_SAFE_INTEGER),
      prev_events: references(prev, version) as string[],
    };
  }

  /**
   * Returns the state events that show a room to people outside, in the format of servers (MSC4311).
   * @param inviter a user whose member event is added
   */
  async strippedState(head: Head, inviter?: string): Promise<JsonObject[]> {
    const keys: StateKeyPair[] = STRIPPED_TYPES.map((type) => [type, '']);
    if (inviter !== undefined) keys.push(['m.room.member', inviter]);
    return pdusOf(this.#pdus, head.version, await head.states(keys));
  }
}
