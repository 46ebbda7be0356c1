import type { PduDraft } from '@hearth/protocol/events/event.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { hashAndSignPdu } from '@hearth/protocol/signing/pdu.ts';
import type { Clock } from '../../platform/clock.ts';
import { canonically } from '../events/build.ts';
import type { Signer } from '../events/signer.ts';
import { type IncomingEvent, readIncoming } from '../receive/incoming.ts';
import { NotReceived } from '../receive/receive-error.ts';

/** A member event of a user of this server, to be signed. */
export interface OwnMember {
  readonly roomId: string;
  readonly version: RoomVersion;
  readonly sender: string;
  readonly target: string;
  readonly content: JsonObject;
  /** `prev_events`, `auth_events` and `depth`, as this or another server has chosen them. */
  readonly place: JsonObject;
}

/** Signs member events of users of this server that other servers take part in. */
export class OwnEvents {
  readonly #signer: Signer;
  readonly #clock: Clock;
  readonly #opaqueEventId: () => string;

  /** @param opaqueEventId creates an event id for room versions 1 and 2 */
  constructor(signer: Signer, clock: Clock, opaqueEventId: () => string) {
    this.#signer = signer;
    this.#clock = clock;
    this.#opaqueEventId = opaqueEventId;
  }

  get serverName(): string {
    return this.#signer.serverName;
  }

  /** Returns the signed event. @throws NotReceived if the place is malformed */
  member({ roomId, version, sender, target, content, place }: OwnMember): IncomingEvent {
    const draft = {
      ...(version.eventIdFormat === 'v1' ? { event_id: this.#opaqueEventId() } : {}),
      auth_events: place.auth_events,
      content,
      depth: place.depth,
      origin: this.#signer.serverName,
      origin_server_ts: this.#clock.now(),
      prev_events: place.prev_events,
      room_id: roomId,
      sender,
      state_key: target,
      type: 'm.room.member',
    } as unknown as PduDraft & JsonObject;
    const { pdu } = canonically(() => hashAndSignPdu(draft, version, this.#signer.serverName, this.#signer.key));
    const { incoming, refusal } = readIncoming(pdu, version);
    if (refusal !== undefined) throw new NotReceived(`the template is malformed: ${refusal}`, true);
    return incoming;
  }
}
