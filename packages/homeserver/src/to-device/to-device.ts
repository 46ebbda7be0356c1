import { limitExceeded, tooLarge } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../platform/clock.ts';
import { type BucketSize, TokenBuckets } from '../platform/token-buckets.ts';
import { insertToDeviceMessages, insertToDeviceTransaction } from '../storage/encryption/to-device.ts';
import { Fenced } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import { ROWS_PER_CHANGE_MAX, rowNumber } from '../storage/engine/row-numbers.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { DeviceNumbers } from '../users/sessions/device-numbers.ts';
import type { ToDeviceInbox } from './inbox.ts';

interface ToDeviceParts {
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly deviceNumbers: DeviceNumbers;
  readonly inbox: ToDeviceInbox;
  readonly serverName: string;
  /** The budget of characters of JSON that a user may send, counted for each device; undefined without a limit. */
  readonly senderBudget: BucketSize | undefined;
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

  constructor(parts: ToDeviceParts) {
    this.#parts = parts;
    if (parts.senderBudget !== undefined) this.#budgets = new TokenBuckets(parts.clock, parts.senderBudget);
  }

  /**
   * Stores one message for each device. Resolves when they are on disk. A repeated transaction id sends nothing. Users
   * of other servers are skipped.
   * @throws MatrixError M_TOO_LARGE, M_LIMIT_EXCEEDED when the sender's budget is used up
   */
  async send(sender: ToDeviceSender, txnId: string, event: ToDeviceEvent): Promise<void> {
    const { stream, clock, inbox } = this.#parts;
    const start = `{"type":${JSON.stringify(event.type)},"sender":${JSON.stringify(sender.userId)},"content":`;
    const { devices, jsons, owners } = await this.#address(event.messages, start);
    if (devices.length > ROWS_PER_CHANGE_MAX) throw tooLarge('The request has too many devices');
    this.#spend(sender, jsons);
    const writes = [insertToDeviceTransaction(sender.device, txnId, clock.now())];
    const changes: Change[] = [];
    const position = stream.next();
    if (devices.length > 0) {
      const nums = devices.map((_, i) => rowNumber(position, i));
      writes.push(insertToDeviceMessages(nums, devices, jsons, clock.now()));
      changes.push({ kind: 'to-device', position, devices: owners });
    }
    try {
      await stream.commit(writes, changes, () => inbox.arrived(owners.keys(), position));
    } catch (error) {
      // The transaction was sent before, so its messages are on disk.
      if (!(error instanceof Fenced)) throw error;
    }
  }

  /** Finds the devices of messages. `start` is the beginning of each event, up to its content. */
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
        const text = JSON.stringify(content);
        if (text.length > MESSAGE_BYTES_MAX) throw tooLarge('A message is too large');
        const json = `${start}${text}}`;
        const device = own.get(deviceId);
        if (deviceId === '*') for (const one of own.values()) add(one, user, json);
        else if (device !== undefined) add(device, user, json);
      }
    }
    return found;
  }

  #spend({ userId }: ToDeviceSender, jsons: readonly string[]): void {
    if (this.#budgets === undefined) return;
    const length = jsons.reduce((sum, json) => sum + json.length, 0);
    const waitMs = this.#budgets.take(userId, length);
    if (waitMs > 0) throw limitExceeded(waitMs, 'You have sent too many to-device messages');
  }
}

const NONE: ReadonlyMap<string, number> = new Map();
