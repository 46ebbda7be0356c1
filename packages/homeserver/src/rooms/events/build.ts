import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import { checkOwnedKeyForm, checkOwnedKeySize } from '@hearth/protocol/auth/state-key.ts';
import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import { badJson, tooLarge } from '@hearth/protocol/errors.ts';
import type { EventReference, PduDraft, Signatures } from '@hearth/protocol/events/event.ts';
import { PREV_EVENTS_MAX } from '@hearth/protocol/events/shape.ts';
import { checkBytes, checkFieldSizes } from '@hearth/protocol/events/size.ts';
import { CanonicalJsonError } from '@hearth/protocol/json/canonical.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { hashPdu } from '@hearth/protocol/signing/pdu.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventProof } from '../../storage/rooms/events/event-proof.ts';
import { STANDING, STICKY, StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { EventDraft } from './draft.ts';
import type { Signer } from './signer.ts';

/**
 * An event that continues a head. It is signed when it leaves the server, because its id does not depend on that, or
 * before if a policy server had to see it.
 */
export interface BuiltEvent {
  readonly event: StoredEvent;
  readonly proof: EventProof;
  /** The event in the form of its room version, with hashes and without signatures. */
  readonly pdu: JsonObject;
  /** The events that the new one follows. */
  readonly prevEvents: readonly string[];
}

/** Returns the keys of the state that authorises a draft. */
export function decidingState(draft: EventDraft, head: Head) {
  const keys = authEventKeys(draft, head.version);
  // From room version 12 on the create event is implied and not selected, but the rules still read it.
  return head.version.authEventsWithoutCreate ? [['m.room.create', ''] as const, ...keys] : keys;
}

/** A builder of events that continue heads. */
export class EventBuilder {
  readonly #names: Names;
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #signer: Signer;
  readonly #opaqueEventId: () => string;

  /** @param opaqueEventId creates an event id for room versions 1 and 2 */
  constructor(names: Names, stream: Stream, clock: Clock, signer: Signer, opaqueEventId: () => string) {
    this.#names = names;
    this.#stream = stream;
    this.#clock = clock;
    this.#signer = signer;
    this.#opaqueEventId = opaqueEventId;
  }

  /**
   * Builds and hashes the event that continues `head`, at the next position of the stream. All state that
   * `decidingState` names must be cached, and the strings of the draft must have numbers.
   * @throws MatrixError M_TOO_LARGE, M_BAD_JSON
   */
  build(draft: EventDraft, head: Head): BuiltEvent {
    const num = this.#stream.next();
    const { row, version } = head;
    const auth = authEventKeys(draft, version).flatMap(([type, key]) => head.known(type, key) ?? []);
    const { approved } = draft;
    const ts = approved?.ts ?? draft.ts ?? this.#clock.now();
    // Other servers may send events of any depth.
    const depth = Math.min(row.depth + 1, Number.MAX_SAFE_INTEGER);
    const followed = head.extremities.slice(-PREV_EVENTS_MAX);
    const createWithoutRoom = version.createRoomIdHash && draft.type === 'm.room.create';
    // The members are in the order of the canonical form, so that sorting them is cheap.
    const pdu = {
      auth_events: references(auth, version),
      content: draft.content,
      depth,
      ...(version.eventIdFormat === 'v1' ? { event_id: approved?.eventId ?? this.#opaqueEventId() } : {}),
      ...stickyField(draft),
      origin_server_ts: ts,
      prev_events: references(followed, version),
      ...redactsField(draft, head),
      ...(createWithoutRoom ? {} : { room_id: head.roomId }),
      sender: draft.sender,
      ...(draft.stateKey === undefined ? {} : { state_key: draft.stateKey }),
      type: draft.type,
    } as PduDraft & JsonObject;
    const finished = canonically(() => hashPdu(pdu, version));
    checkLimits(pdu, finished.bytes + signatureBytes(this.#signer), version);
    const { eventId, hash, contentHash } = finished;
    return {
      event: toStored(draft, head, { num, ts, depth, eventId, hash, names: this.#names }),
      pdu: finished.pdu,
      proof: {
        prev: followed.map((event) => event.num),
        auth: auth.map((event) => event.num),
        ...(approved?.signatures === undefined
          ? { contentHash, signingKey: this.#signer.keyNum, signature: undefined }
          : { envelope: envelopeOf(finished.pdu, approved.signatures) }),
      },
      prevEvents: followed.map((event) => event.eventId),
    };
  }
}

/**
 * Runs a function that hashes or signs an event.
 * @throws MatrixError M_BAD_JSON for numbers and texts that canonical JSON does not allow
 */
export function canonically<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof CanonicalJsonError) throw badJson(error.message);
    throw error;
  }
}

/**
 * Checks the sizes of an event, and its state key where the room version restricts its form (MSC3757).
 * @param bytes the size of the event with its signature
 * @throws MatrixError M_TOO_LARGE, M_BAD_JSON
 */
function checkLimits(pdu: JsonObject, bytes: number, version: RoomVersion): void {
  const ownedKey = version.ownedState ? asString(pdu.state_key) : undefined;
  const malformed = ownedKey === undefined ? undefined : checkOwnedKeyForm(ownedKey);
  if (malformed !== undefined) throw badJson(malformed);
  const tooLong = ownedKey === undefined ? undefined : checkOwnedKeySize(ownedKey);
  const refusal = tooLong ?? checkFieldSizes(pdu, version) ?? checkBytes(bytes);
  if (refusal !== undefined) throw tooLarge(refusal);
}

/**
 * Returns the length of the member `"signatures":{"server":{"key":"…"}},` with the 86 characters of a signature, which
 * is added later.
 */
function signatureBytes({ serverName, key }: Signer): number {
  return 110 + Buffer.byteLength(serverName) + key.keyId.length;
}

/** Returns references to events: their ids, in room versions 1 and 2 each with its reference hash. */
export function references(events: readonly StoredEvent[], version: RoomVersion): string[] | EventReference[] {
  if (version.eventIdFormat !== 'v1') return events.map(({ eventId }) => eventId);
  return events.map(({ eventId, extra }): EventReference => {
    const { sha256 = '' } = JSON.parse(extra ?? '{}') as { sha256?: string };
    return [eventId, { sha256 }];
  });
}

/** Returns the members of an event that have no column, if it has signatures besides that of this server. */
function envelopeOf({ prev_events, auth_events, hashes }: JsonObject, signatures: Signatures): JsonObject {
  return { prev_events, auth_events, hashes, signatures };
}

/** Returns the member that names the target of a redaction, which is outside the content up to room version 10. */
function redactsField(draft: EventDraft, head: Head): { redacts?: string } {
  const redacts = draft.redacts?.eventId ?? draft.redactsUnknown;
  return redacts === undefined || head.version.contentRedacts ? {} : { redacts };
}

/** Returns the member of a sticky event, which is outside the content (MSC4354). */
function stickyField({ stickyMs }: EventDraft): { [STICKY]?: { duration_ms: number } } {
  return stickyMs === undefined ? {} : { [STICKY]: { duration_ms: stickyMs } };
}

function toStored(
  draft: EventDraft,
  head: Head,
  given: { num: number; ts: number; depth: number; eventId: string; hash: Uint8Array; names: Names },
): StoredEvent {
  const { row } = head;
  const { names } = given;
  const replaced = draft.stateKey === undefined ? undefined : head.known(draft.type, draft.stateKey);
  const extra = {
    ...redactsField(draft, head),
    ...stickyField(draft),
    ...(head.version.eventIdFormat === 'v1' ? { sha256: encodeBase64(given.hash) } : {}),
  };
  const fields = {
    num: given.num,
    eventId: given.eventId,
    room: row.num,
    roomId: head.roomId,
    seq: row.seq + 1,
    typeNum: interned(names, draft.type),
    type: draft.type,
    senderNum: interned(names, draft.sender),
    sender: draft.sender,
    stateKeyNum: draft.stateKey === undefined ? null : interned(names, draft.stateKey),
    stateKey: draft.stateKey,
    ts: given.ts,
    depth: given.depth,
    standing: STANDING.accepted,
    snapshot: row.snapshot,
    graphSnapshot: null,
    after: null,
    replaces: replaced?.num ?? null,
    extra: Object.keys(extra).length === 0 ? null : JSON.stringify(extra),
  };
  return new StoredEvent(fields, JSON.stringify(draft.content), null, draft.content);
}

function interned(names: Names, text: string): number {
  const num = names.cachedNum(text);
  if (num === undefined) throw new Error('a name was not interned before its event was built');
  return num;
}
