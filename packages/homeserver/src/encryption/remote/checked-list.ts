import { parseDeviceId } from '@hearth/protocol/identifiers/device-id.ts';
import {
  asArray,
  asInteger,
  asObject,
  asString,
  type JsonObject,
  type JsonValue,
} from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { isSignedBy, signerOf } from '../signed-keys.ts';
import { checkedCrossSigningKey, checkedDeviceKeys, checkedName } from './checked-keys.ts';

/** A device of a device list. `json` has its keys as a JSON text. */
export interface ListedDevice {
  readonly deviceId: string;
  readonly name: string | null;
  readonly json: string;
}

/** Public cross-signing keys as JSON texts. */
export interface ListedCrossSigning {
  readonly master: string | null;
  readonly selfSigning: string | null;
}

/** A device list as a server has sent it. */
export interface RemoteList extends ListedCrossSigning {
  readonly streamId: number;
  readonly devices: readonly ListedDevice[];
}

const DEVICES_MAX = 2_000;

/**
 * Checks the answer to `GET /user/devices/{userId}`. Malformed keys are left out.
 * @throws FederationError if the answer is no device list of the user
 */
export function checkedList(answer: JsonObject, userId: string): RemoteList {
  const streamId = asInteger(answer.stream_id);
  const given = asArray(answer.devices);
  if (answer.user_id !== userId || streamId === undefined || given === undefined)
    throw new FederationError('refused', 'the answer is no device list of the user');
  const devices = new Map<string, ListedDevice>();
  for (const value of given.slice(0, DEVICES_MAX)) {
    const device = checkedDevice(asObject(value), userId);
    if (device !== undefined) devices.set(device.deviceId, device);
  }
  return { streamId, devices: [...devices.values()], ...checkedCrossSigning(answer, userId, undefined) };
}

/** Returns a device of a list or of an update; undefined if it is malformed or has no keys. */
export function checkedDevice(device: JsonObject | undefined, userId: string): ListedDevice | undefined {
  const deviceId = parseDeviceId(asString(device?.device_id) ?? '');
  if (device === undefined || deviceId === undefined) return undefined;
  const keys = checkedDeviceKeys(device.keys, userId, deviceId);
  if (keys === undefined) return undefined;
  return { deviceId, name: checkedName(device.device_display_name) ?? null, json: JSON.stringify(keys) };
}

/**
 * Returns the cross-signing keys of a list or of an update. A self-signing key that the master key has not signed is
 * left out.
 * @param knownMaster the master key that applies if there is none in the update
 */
export function checkedCrossSigning(
  { master_key, self_signing_key }: { readonly master_key?: JsonValue; readonly self_signing_key?: JsonValue },
  userId: string,
  knownMaster: JsonObject | undefined,
): ListedCrossSigning {
  const master = checkedCrossSigningKey(master_key, userId, 'master') ?? knownMaster;
  const selfSigning = checkedCrossSigningKey(self_signing_key, userId, 'self_signing');
  const signer = master === undefined ? undefined : signerOf(master);
  const isSigned = selfSigning !== undefined && signer !== undefined && isSignedBy(selfSigning, userId, signer);
  return {
    master: master === undefined ? null : JSON.stringify(master),
    selfSigning: isSigned ? JSON.stringify(selfSigning) : null,
  };
}
