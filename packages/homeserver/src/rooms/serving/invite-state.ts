import { invalidParam } from '@hearth/protocol/errors.ts';
import { asObject, asString } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { EventSignatures } from '../receive/event-signatures.ts';
import { type IncomingEvent, readIncoming } from '../receive/incoming.ts';

/** The maximum number of events that show a room with an invite. */
const EVENTS_MAX = 100;

/** The room of an invite. */
export interface InvitedRoom {
  readonly roomId: string;
  readonly version: RoomVersion;
}

/**
 * Checks the events that show a room with an invite (MSC4311). A create event must be that of the room. A strict check
 * also requires that there is one, and that all events are complete, signed and of the room.
 * @throws MatrixError M_INVALID_PARAM
 */
export async function checkInviteState(
  events: readonly unknown[],
  room: InvitedRoom,
  strictly: EventSignatures | undefined,
): Promise<void> {
  if (events.length > EVENTS_MAX) throw invalidParam(`invite_room_state has more than ${EVENTS_MAX} events`);
  const creates = events.filter((event) => asObject(event)?.type === 'm.room.create');
  for (const create of creates) checkCreate(create, room);
  if (strictly === undefined) return;
  if (creates.length !== 1) throw invalidParam('invite_room_state does not have one m.room.create event');
  for (const event of events) {
    const { pdu } = checkEvent(event, room);
    const refusal = await strictly.refusal({ pdu }, room.version);
    if (refusal !== undefined) throw invalidParam(`invite_room_state: ${refusal.message}`);
  }
}

/** Checks the parts of a create event that it has. Other servers send it whole or stripped. */
function checkCreate(event: unknown, room: InvitedRoom): void {
  const create = asObject(event);
  const version = asString(asObject(create?.content)?.room_version) ?? '1';
  if (version !== room.version.id) throw invalidParam('The m.room.create event is for another room version');
  if (create?.signatures !== undefined || create?.hashes !== undefined) checkEvent(event, room);
}

/** @throws MatrixError M_INVALID_PARAM for an event that is not a state event of the room in the format of servers */
function checkEvent(event: unknown, { roomId, version }: InvitedRoom): IncomingEvent {
  const { incoming, refusal } = readIncoming(asObject(event), version);
  if (refusal !== undefined) throw invalidParam(`invite_room_state: ${refusal}`);
  if (incoming.roomId !== roomId) throw invalidParam('invite_room_state has an event of another room');
  if (incoming.pdu.state_key === undefined) throw invalidParam('invite_room_state has an event that is not state');
  return incoming;
}
