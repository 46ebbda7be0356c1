import { limitExceeded, tooLarge } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../platform/clock.ts';
import { type BucketSize, TokenBuckets } from '../platform/token-buckets.ts';
import { insertToDeviceMessages, insertToDeviceTransaction } from '../storage/encryption/to-device.ts';
import { Fenced, type Write } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import { ROWS_PER_CHANGE_MAX, rowNumber } from '../storage/engine/row-numbers.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import { insertReceivedMessage } from '../storage/federation/received-messages.ts';
import type { DeviceNumbers } from '../users/sessions/device-numbers.ts';
import type { ToDeviceInbox } from './inbox.ts';
import { type DeviceContent, noRemoteDevices, type RemoteDevices } from './remote-devices.ts';

interface ToDeviceParts {
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly deviceNumbers: DeviceNumbers;
  readonly inbox: ToDeviceInbox;
  readonly serverName: string;
}

/** The sender of messages. */
export interface ToDeviceSender {
  readonly userId: string;
  readonly device: number;
}

/** Contents by user id and device id, where `*` stands for every device of the user. */
export type Messages = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** One event for some devices. */
export interface ToDeviceEvent {
  readonly type: string;
  readonly messages: Messages;
}

/** Messages as they are stored: the devices, and the events as the devices get them. */
interface Addressed {
  readonly devices: number[];
  readonly jsons: string[];
  /** The users of the devices. */
  readonly owners: Map<number, number>;
}

/** The maximum size of a message, the same as that of an event. */
const MESSAGE_BYTES_MAX = 65_536;

/** Sends messages to devices (client-server API, "Send-to-Device messaging"). */
export class ToDevice {
  readonly #parts: ToDeviceParts;
  readonly #budgets: TokenBuckets<string> | undefined;
  #remote = noRemoteDevices;

  /** @param senderBudget the budget of a user in characters of JSON, counted for each device; undefined: no limit */
  constructor(parts: ToDeviceParts, senderBudget: BucketSize | undefined) {
    this.#parts = parts;
    if (senderBudget !== undefined) this.#budgets = new TokenBuckets(parts.clock, senderBudget);
  }

  /** Sets how messages reach devices of other servers. */
  sendTo(remote: RemoteDevices): void {
    this.#remote = remote;
  }

  /**
   * Stores one message for each device. Resolves when they are on disk. A repeated transaction id sends nothing.
   * Messages to users of other servers are queued for these servers.
   * @throws MatrixError M_TOO_LARGE, M_LIMIT_EXCEEDED when the sender's budget is used up
   */
  async send(sender: ToDeviceSender, txnId: string, { type, messages }: ToDeviceEvent): Promise<void> {
    const { stream, clock } = this.#parts;
    const addressed = await this.#address(messages, startOf(type, sender.userId));
    const contents = this.#remoteContents(messages);
    const remote = contents.length === 0 ? undefined : this.#remote.prepare(sender.userId, type, contents);
    this.#spend(
      sender,
      addressed.jsons.reduce((sum, json) => sum + json.length, remote?.length ?? 0),
    );
    const position = stream.next();
    const guard = insertToDeviceTransaction(sender.device, txnId, clock.now());
    // A transaction that was sent before has its messages on disk.
    await this.#store(position, addressed, [guard, ...(remote?.writesAt(position) ?? [])], () => remote?.committed());
  }

  /**
   * Stores the messages of an event of another server. Resolves when they are on disk. A message id of the server that
   * was received before stores nothing.
   * @throws MatrixError M_TOO_LARGE
   */
  async receive(server: string, messageId: string, sender: string, { type, messages }: ToDeviceEvent): Promise<void> {
    const { stream, clock } = this.#parts;
    const addressed = await this.#address(messages, startOf(type, sender));
    await this.#store(stream.next(), addressed, [insertReceivedMessage(server, messageId, clock.now())]);
  }

  /** Stores messages for devices. Stores nothing if a guard in `guards` rejects the transaction. */
  async #store(
    position: number,
    { devices, jsons, owners }: Addressed,
    guards: readonly Write[],
    committed?: () => void,
  ): Promise<void> {
    const { stream, clock, inbox } = this.#parts;
    const writes = [...guards];
    const changes: Change[] = [];
    if (devices.length > 0) {
      const nums = devices.map((_, i) => rowNumber(position, i));
      writes.push(insertToDeviceMessages(nums, devices, jsons, clock.now()));
      changes.push({ kind: 'to-device', position, devices: owners });
    }
    try {
      await stream.commit(writes, changes, () => {
        inbox.arrived(owners.keys(), position);
        committed?.();
      });
    } catch (error) {
      if (!(error instanceof Fenced)) throw error;
    }
  }

  /** Returns the contents for devices of users of other servers. @throws MatrixError M_TOO_LARGE */
  #remoteContents(messages: Messages): DeviceContent[] {
    const { serverName } = this.#parts;
    const contents: DeviceContent[] = [];
    for (const [userId, devices] of Object.entries(messages)) {
      if (domainOf(userId) === serverName) continue;
      for (const [deviceId, content] of Object.entries(devices))
        contents.push({ userId, deviceId, text: textOf(content) });
    }
    return contents;
  }

  /**
   * Finds the devices of messages. `start` is the beginning of each event, up to its content.
   * @throws MatrixError M_TOO_LARGE
   */
  async #address(messages: Messages, start: string): Promise<Addressed> {
    const { names, deviceNumbers, serverName } = this.#parts;
    const users = await names.findAll(Object.keys(messages).filter((userId) => domainOf(userId) === serverName));
    const numbers = await deviceNumbers.of(users.values());
    const found: Addressed = { devices: [], jsons: [], owners: new Map() };
    const add = (device: number, user: number, json: string) => {
      found.devices.push(device);
      found.jsons.push(json);
      found.owners.set(device, user);
    };
    for (const [userId, user] of users) {
      const own = numbers.get(user) ?? NONE;
      for (const [deviceId, content] of Object.entries(messages[userId] ?? {})) {
        const json = `${start}${textOf(content)}}`;
        const device = own.get(deviceId);
        if (deviceId === '*') for (const one of own.values()) add(one, user, json);
        else if (device !== undefined) add(device, user, json);
      }
    }
    if (found.devices.length > ROWS_PER_CHANGE_MAX) throw tooLarge('The request has too many devices');
    return found;
  }

  #spend({ userId }: ToDeviceSender, length: number): void {
    if (this.#budgets === undefined) return;
    const waitMs = this.#budgets.take(userId, length);
    if (waitMs > 0) throw limitExceeded(waitMs, 'You have sent too many to-device messages');
  }
}

const NONE: ReadonlyMap<string, number> = new Map();

/** Returns a content as a JSON text. @throws MatrixError M_TOO_LARGE */
function textOf(content: JsonObject): string {
  const text = JSON.stringify(content);
  if (text.length > MESSAGE_BYTES_MAX) throw tooLarge('A message is too large');
  return text;
}

/** Returns whether the messages to one user have the right shape: an object of objects by device id. */
export function isByDevice(devices: unknown): devices is Messages[string] {
  return isObject(devices) && Object.values(devices).every(isObject);
}

/** Returns the beginning of an event as a device receives it, up to its content. */
function startOf(type: string, sender: string): string {
  return `{"type":${JSON.stringify(type)},"sender":${JSON.stringify(sender)},"content":`;
}
