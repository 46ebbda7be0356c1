import { invalidParam } from '@hearth/protocol/errors.ts';
import { parseRoomId } from '@hearth/protocol/identifiers/room-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { BackupRankRow, BackupSessionRow } from '../storage/encryption/key-backups.ts';

/** A session key for the backup, before the number of its room is looked up. */
export interface BackedUpKey {
  readonly roomId: string;
  readonly row: Omit<BackupSessionRow, 'room'>;
}

/** Returns the JSON text of a key in the form in which clients upload and receive it. */
export function backedUpKeyText(row: BackupSessionRow): string {
  const { first_message_index, forwarded_count, is_verified, session_data } = row;
  const counts = `"first_message_index":${first_message_index},"forwarded_count":${forwarded_count}`;
  return `{${counts},"is_verified":${is_verified === 1},"session_data":${session_data}}`;
}

/** The form of session ids, which clients choose. */
const SESSION_ID = /^[^\0\p{Cs}]{1,255}$/u;
const SESSION_DATA_BYTES_MAX = 65_536;

/** Returns a key in the form in which it is stored. @throws MatrixError M_INVALID_PARAM */
export function backedUpKey(
  roomId: string,
  sessionId: string,
  key: {
    readonly first_message_index: number;
    readonly forwarded_count: number;
    readonly is_verified: boolean;
    readonly session_data: JsonObject;
  },
): BackedUpKey {
  if (parseRoomId(roomId) === undefined) throw invalidParam('The room id is not valid');
  if (!SESSION_ID.test(sessionId)) throw invalidParam('The session id is not valid');
  const { first_message_index, forwarded_count } = key;
  const is_verified = key.is_verified ? 1 : 0;
  const session_data = JSON.stringify(key.session_data);
  if (session_data.length > SESSION_DATA_BYTES_MAX) throw invalidParam('The session_data is too long');
  return { roomId, row: { session_id: sessionId, first_message_index, forwarded_count, is_verified, session_data } };
}

/**
 * Returns whether a key replaces another one of the same session: verified before unverified, then the lower
 * `first_message_index`, then the lower `forwarded_count` ("Storing key backups").
 */
export function isBetter(key: Omit<BackupRankRow, 'room'>, old: Omit<BackupRankRow, 'room'>): boolean {
  if (key.is_verified !== old.is_verified) return key.is_verified > old.is_verified;
  if (key.first_message_index !== old.first_message_index) return key.first_message_index < old.first_message_index;
  return key.forwarded_count < old.forwarded_count;
}
