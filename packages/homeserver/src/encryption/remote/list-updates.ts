import type { OutgoingListChange } from '../../storage/encryption/outgoing-device-lists.ts';
import type { UserKeys } from '../user-keys.ts';

/** The number of changed devices above which only one update is sent, which makes servers fetch the whole list. */
const UPDATES_MAX = 20;

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

/** The device list of a user. */
export interface ListState {
  readonly userId: string;
  readonly keys: UserKeys;
  readonly devices: ReadonlyMap<string, DeviceState>;
}

/**
 * Renders the EDUs for changes. Several changes of a device are one update. Returns the stream id of the last update.
 * @param previous the stream id of the last update before
 */
export function renderUpdates(
  { userId, keys, devices }: ListState,
  previous: number,
  changes: readonly OutgoingListChange[],
): { readonly jsons: readonly string[]; readonly streamId: number } {
  const latest = [...new Map(changes.map((change) => [change.device_id, change])).values()];
  const crossSigning = latest.find(({ device_id }) => device_id === '');
  const changed = latest.filter(({ device_id }) => device_id !== '').sort((a, b) => a.num - b.num);
  const [device] = devices.keys();
  // A change of cross-signing keys has no stream id. An update of a device with it makes its loss visible.
  if (crossSigning !== undefined && changed.length === 0 && device !== undefined)
    changed.push({ num: crossSigning.num, device_id: device });
  const sent = changed.length > UPDATES_MAX ? changed.slice(-1) : changed;
  let streamId = sent.length < changed.length ? (changed.at(-2)?.num ?? previous) : previous;
  const jsons = crossSigning === undefined ? [] : [crossSigningUpdate(userId, keys)];
  for (const { num, device_id: deviceId } of sent) {
    jsons.push(deviceUpdate({ userId, deviceId, streamId: num, previous: streamId }, devices.get(deviceId)));
    streamId = num;
  }
  return { jsons, streamId };
}

/** Returns an EDU of type `m.device_list_update` as a JSON text. A missing device was deleted. */
function deviceUpdate({ userId, deviceId, streamId, previous }: UpdateOf, device: DeviceState | undefined): string {
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
function crossSigningUpdate(userId: string, keys: UserKeys): string {
  const members = [`"user_id":${JSON.stringify(userId)}`];
  const [master, selfSigning] = [keys.crossSigningText('master'), keys.crossSigningText('self_signing')];
  if (master !== undefined) members.push(`"master_key":${master}`);
  if (selfSigning !== undefined) members.push(`"self_signing_key":${selfSigning}`);
  return eduText('m.signing_key_update', members);
}

function eduText(type: string, members: readonly string[]): string {
  return `{"edu_type":"${type}","content":{${members.join(',')}}}`;
}
