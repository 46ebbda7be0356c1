import type { UserKeys } from '../user-keys.ts';

/** The place of an update in the updates of a user. */
interface UpdateOf {
  readonly userId: string;
  readonly deviceId: string;
  readonly streamId: number;
  /** The stream id of the previous update; 0 for the first one. */
  readonly previous: number;
}

/** A device as other servers see it: its name, and its keys as a JSON text. */
export interface DeviceState {
  readonly name: string | null;
  readonly keys: string | undefined;
}

/** Returns an EDU of type `m.device_list_update` as a JSON text. A missing device was deleted. */
export function deviceUpdate(
  { userId, deviceId, streamId, previous }: UpdateOf,
  device: DeviceState | undefined,
): string {
  const members = [
    `"user_id":${JSON.stringify(userId)}`,
    `"device_id":${JSON.stringify(deviceId)}`,
    `"stream_id":${streamId}`,
    `"prev_id":[${previous === 0 ? '' : previous}]`,
  ];
  if (device === undefined) members.push('"deleted":true');
  if (device?.keys !== undefined) members.push(`"keys":${device.keys}`);
  if (device !== undefined && device.name !== null)
    members.push(`"device_display_name":${JSON.stringify(device.name)}`);
  return eduText('m.device_list_update', members);
}

/** Returns an EDU of type `m.signing_key_update` as a JSON text. */
export function crossSigningUpdate(userId: string, keys: UserKeys): string {
  const members = [`"user_id":${JSON.stringify(userId)}`];
  const [master, selfSigning] = [keys.crossSigningText('master'), keys.crossSigningText('self_signing')];
  if (master !== undefined) members.push(`"master_key":${master}`);
  if (selfSigning !== undefined) members.push(`"self_signing_key":${selfSigning}`);
  return eduText('m.signing_key_update', members);
}

function eduText(type: string, members: readonly string[]): string {
  return `{"edu_type":"${type}","content":{${members.join(',')}}}`;
}
