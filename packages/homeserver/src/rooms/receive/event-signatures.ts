import { signaturesOf } from '@hearth/protocol/events/event.ts';
import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { isKeyValidFor } from '@hearth/protocol/signing/key-validity.ts';
import { requiredSigners, verifyPduSignature } from '@hearth/protocol/signing/pdu.ts';
import type { KeyRing } from '../../federation/keys/key-ring.ts';
import type { Clock } from '../../platform/clock.ts';
import type { IncomingEvent } from './incoming.ts';

/** Servers sign with each of their keys, of which they have one or two. */
const SIGNATURES_MAX = 4;

/** The reason why an event lacks a signature. It is not final if a key could not be fetched. */
export interface SignatureRefusal {
  readonly message: string;
  readonly isFinal: boolean;
}

type Verification = 'valid' | 'invalid' | 'unknown key';

/** Verifies the signatures of received events. */
export class EventSignatures {
  readonly #keyRing: Pick<KeyRing, 'find'>;
  readonly #clock: Clock;

  constructor(keyRing: Pick<KeyRing, 'find'>, clock: Clock) {
    this.#keyRing = keyRing;
    this.#clock = clock;
  }

  /**
   * Returns the reason why an event lacks a required signature, or undefined (server-server API, "Validating hashes and
   * signatures on received events").
   */
  async refusal({ pdu }: Pick<IncomingEvent, 'pdu'>, version: RoomVersion): Promise<SignatureRefusal | undefined> {
    for (const server of requiredSigners(pdu, version)) {
      const result = await this.#verify(pdu, version, server);
      if (result !== 'valid')
        return { message: `the event has no valid signature of ${server}`, isFinal: result === 'invalid' };
    }
    return undefined;
  }

  /** Returns whether an event has a signature of a server by a key that was valid at the event's time. */
  async isSignedBy(pdu: IncomingEvent['pdu'], version: RoomVersion, server: string): Promise<boolean> {
    return (await this.#verify(pdu, version, server)) === 'valid';
  }

  async #verify(pdu: IncomingEvent['pdu'], version: RoomVersion, server: string): Promise<Verification> {
    const name = parseServerName(server);
    if (name === undefined) return 'invalid';
    const keyIds = Object.keys(signaturesOf(pdu, server)).slice(0, SIGNATURES_MAX);
    let isKeyMissing = false;
    for (const keyId of keyIds) {
      const key = await this.#keyRing.find(name, keyId, (validity) =>
        isKeyValidFor(validity, pdu.origin_server_ts, this.#clock.now(), version),
      );
      if (key === undefined) isKeyMissing = true;
      else if (verifyPduSignature(pdu, version, server, keyId, key)) return 'valid';
    }
    return isKeyMissing ? 'unknown key' : 'invalid';
  }
}
