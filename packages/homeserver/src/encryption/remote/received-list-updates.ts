import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asArray, asInteger, asString, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { SharedRooms } from '../../rooms/membership/shared-rooms.ts';
import {
  deleteRemoteDevice,
  putRemoteCrossSigning,
  putRemoteDevice,
  putRemoteStreamId,
  type RemoteListRow,
} from '../../storage/encryption/remote-device-lists.ts';
import type { Names } from '../../storage/engine/names.ts';
import { parseKey } from '../user-keys.ts';
import { checkedCrossSigning, checkedDevice } from './checked-list.ts';
import type { EarlyListUpdates } from './early-list-updates.ts';
import type { RemoteDeviceLists, UpdateEffect } from './remote-device-lists.ts';

interface Parts {
  readonly names: Names;
  readonly sharedRooms: SharedRooms;
  readonly lists: RemoteDeviceLists;
  readonly early: EarlyListUpdates;
}

/** The members of updates that contain keys. */
const KEYS = ['keys', 'master_key', 'self_signing_key'] as const;

/** A function that returns the effect of an update on a current list of a user. */
type EffectOf = (list: RemoteListRow, userId: string, content: JsonObject) => UpdateEffect;

/**
 * Processes the updates of device lists of one type (server-server API, "Device Management"). Updates of users who share
 * no room with a user of this server are ignored.
 */
export class ReceivedListUpdates {
  readonly #parts: Parts;
  readonly #effectOf: EffectOf;

  constructor(parts: Parts, effectOf: EffectOf) {
    this.#parts = parts;
    this.#effectOf = effectOf;
  }

  /** Returns the user id of a content, because the updates of a user follow each other. */
  keyOf(content: JsonObject): string {
    return asString(content.user_id) ?? '';
  }

  async handle(origin: string, content: JsonObject): Promise<void> {
    const { names, sharedRooms, lists, early } = this.#parts;
    const userId = asString(content.user_id);
    if (userId === undefined || domainOf(userId) !== origin) return;
    const user = await names.find(userId);
    if (user === undefined || !(await sharedRooms.isShared(user))) return early.add(origin, userId);
    const hasKeys = content.deleted === true || KEYS.some((name) => content[name] !== undefined);
    await lists.update(user, (list) => this.#effectOf(list, userId, content), hasKeys);
  }
}

/**
 * Returns the effect of an EDU of type `m.device_list_update`. An update that does not follow the last one, or that is
 * malformed, is a gap.
 */
export function deviceUpdateEffect(list: RemoteListRow, userId: string, content: JsonObject): UpdateEffect {
  const streamId = asInteger(content.stream_id);
  if (streamId === undefined) return 'gap';
  if (streamId === list.stream_id) return 'known';
  if (asArray(content.prev_id)?.includes(list.stream_id) !== true) return 'gap';
  const { user_num } = list;
  const advance = putRemoteStreamId(user_num, streamId);
  const device = checkedDevice(content, userId);
  if (content.deleted !== true && device !== undefined) {
    const { deviceId, name, json } = device;
    return [putRemoteDevice({ user_num, device_id: deviceId, display_name: name, json }), advance];
  }
  const deviceId = asString(content.device_id);
  const hasNoKeys = content.deleted === true || content.keys === undefined;
  return deviceId === undefined || !hasNoKeys ? 'gap' : [deleteRemoteDevice(user_num, deviceId), advance];
}

/** Returns the effect of an EDU of type `m.signing_key_update`. */
export function crossSigningEffect(list: RemoteListRow, userId: string, content: JsonObject): UpdateEffect {
  const before = list.master === null ? undefined : parseKey(list.master);
  const { master, selfSigning } = checkedCrossSigning(content, userId, before);
  const isComplete = isAbsentOr(content.master_key, master) && isAbsentOr(content.self_signing_key, selfSigning);
  if (!isComplete) return 'gap';
  const kept = content.self_signing_key === undefined && master === list.master ? list.self_signing : selfSigning;
  if (master === list.master && kept === list.self_signing) return 'known';
  return [putRemoteCrossSigning(list.user_num, master, kept)];
}

function isAbsentOr(given: JsonValue | undefined, accepted: string | null): boolean {
  return given === undefined || accepted !== null;
}
