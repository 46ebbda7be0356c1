import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import type { Pdu } from '@hearth/protocol/events/event.ts';
import { referenceHashBytes } from '@hearth/protocol/events/hash.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { RemoteProof } from '../../storage/rooms/events/event-proof.ts';
import { ENTRY, GAP, OUTSIDE, STICKY, type Standing, StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { IncomingEvent } from './incoming.ts';

/** The values that this server gives to an event of another server. */
export interface RemoteFields {
  readonly num: number;
  readonly room: number;
  readonly seq: number | null;
  readonly standing: Standing;
  readonly snapshot: number;
  readonly graphSnapshot: number | null;
  readonly after: number | null;
  readonly replaces: number | null;
  /** Whether the event is a join by which this server came into the room. */
  readonly isEntry?: boolean;
  /** Whether events before it are missing in the timeline. */
  readonly followsGap?: boolean;
  /** Whether this server is not in the room. */
  readonly isOutside?: boolean;
}

/** The members that have a column of their own, or that this server does not store. */
const COLUMNS = new Set([
  'event_id',
  'room_id',
  'sender',
  'type',
  'state_key',
  'content',
  'depth',
  'origin_server_ts',
  'unsigned',
  'redacts',
  STICKY,
]);

/** Returns the strings of an event that need numbers before {@link remoteEvent}. */
export function namesIn({ pdu, roomId }: IncomingEvent): string[] {
  return [roomId, pdu.type, pdu.sender, ...(pdu.state_key === undefined ? [] : [pdu.state_key])];
}

/** Returns an event of another server as it is stored. Its strings must have numbers. */
export function remoteEvent(
  names: Names,
  version: RoomVersion,
  { pdu, eventId, roomId }: IncomingEvent,
  fields: RemoteFields,
): StoredEvent {
  const { type, sender, state_key: stateKey } = pdu;
  const extra = {
    ...(typeof pdu.redacts === 'string' ? { redacts: pdu.redacts } : {}),
    ...(pdu[STICKY] === undefined ? {} : { [STICKY]: pdu[STICKY] }),
    ...(fields.isEntry === true ? { [ENTRY]: true } : {}),
    ...(fields.followsGap === true ? { [GAP]: true } : {}),
    ...(fields.isOutside === true ? { [OUTSIDE]: true } : {}),
    ...(version.eventIdFormat === 'v1' ? { sha256: encodeBase64(referenceHashBytes(pdu, version)) } : {}),
  };
  return new StoredEvent(
    {
      ...fields,
      eventId,
      roomId,
      typeNum: numOf(names, type),
      type,
      senderNum: numOf(names, sender),
      sender,
      stateKeyNum: stateKey === undefined ? null : numOf(names, stateKey),
      stateKey,
      ts: pdu.origin_server_ts,
      depth: Math.min(pdu.depth, Number.MAX_SAFE_INTEGER),
      extra: Object.keys(extra).length === 0 ? null : JSON.stringify(extra),
    },
    JSON.stringify(pdu.content),
    null,
    pdu.content,
  );
}

/** Returns the proof of an event of another server. */
export function proofOf(pdu: Pdu, prev: readonly number[], auth: readonly number[]): RemoteProof {
  const members = Object.entries(pdu).filter(([name]) => !COLUMNS.has(name));
  const envelope: JsonObject = Object.fromEntries(members);
  // Depths before room version 6 may be larger than the column permits.
  if (pdu.depth > Number.MAX_SAFE_INTEGER) envelope.depth = pdu.depth;
  return { prev, auth, envelope };
}

function numOf(names: Names, text: string): number {
  const num = names.cachedNum(text);
  if (num === undefined) throw new Error('a name was not interned before its event was built');
  return num;
}
