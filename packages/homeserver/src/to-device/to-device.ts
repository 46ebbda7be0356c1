import { tooLarge } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Background } from '../platform/background.ts';
import type { Clock } from '../platform/clock.ts';
import { type Database, Fenced } from '../storage/database.ts';
import type { Names } from '../storage/names.ts';
import { ROWS_PER_CHANGE_MAX, rowNumber } from '../storage/numbering.ts';
import type { Stream } from '../storage/stream.ts';
import { insertToDeviceMessages, insertToDeviceTransaction, trimToDeviceMessages } from '../storage/to-device.ts';
import type { DeviceNumbers } from '../users/device-numbers.ts';
import type { ToDeviceInbox } from './inbox.ts';

interface ToDeviceDeps {
  readonly database: Database;
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly background: Background;
  readonly deviceNumbers: DeviceNumbers;
  readonly inbox: ToDeviceInbox;
  readonly serverName: string;
}

/** Who sends. */
export interface ToDeviceSender {
  readonly userId: string;
  readonly device: number;
}

/** One event for some devices: contents by user id and device id, where `*` stands for every device of the user. */
export interface ToDeviceEvent {
  readonly type: string;
  readonly messages: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>;
}

/** As large as an event of a room may be. */
const MESSAGE_BYTES_MAX = 65_536;

/** Sends messages to devices (client-server API, "Send-to-Device messaging"). */
export class ToDevice {
  readonly #deps: ToDeviceDeps;

  constructor(deps: ToDeviceDeps) {
    this.#deps = deps;
  }

  /**
   * Stores one message for each device; resolves when they are on disk. A transaction id that the device has used before
   * sends nothing. Users of other servers are passed over.
   * @throws MatrixError M_TOO_LARGE
   */
  async send(sender: ToDeviceSender, txnId: string, event: ToDeviceEvent): Promise<void> {
    const { stream, clock, inbox } = this.#deps;
    const contents = await this.#byDevice(event.messages);
    if (contents.length > ROWS_PER_CHANGE_MAX) throw tooLarge('Too many devices at once');
    const transaction = insertToDeviceTransaction(sender.device, txnId, clock.now());
    const position = stream.next();
    const start = `{"type":${JSON.stringify(event.type)},"sender":${JSON.stringify(sender.userId)},"content":`;
    const rows = contents.map(({ device, text }, i) => {
      return { num: rowNumber(position, i), device, json: `${start}${text}}` };
    });
    const devices = new Map(contents.map(({ device, user }) => [device, user]));
    const writes = rows.length === 0 ? [transaction] : [transaction, insertToDeviceMessages(rows)];
    const changes = rows.length === 0 ? [] : [{ kind: 'to-device', position, devices } as const];
    try {
      await stream.commit(writes, changes, () => this.#trim(inbox.arrived(devices.keys(), position)));
    } catch (error) {
      // Sent before, and answered before or at least on disk.
      if (!(error instanceof Fenced)) throw error;
    }
  }

  /** The devices meant, each with its content as JSON text. */
  async #byDevice(messages: ToDeviceEvent['messages']) {
    const { names, deviceNumbers, serverName } = this.#deps;
    const local = [...messages.keys()].filter((userId) => domainOf(userId) === serverName);
    const users = await names.findAll(local);
    const numbers = await deviceNumbers.of(users.values());
    const found: { readonly device: number; readonly user: number; readonly text: string }[] = [];
    for (const [userId, user] of users) {
      const own = numbers.get(user) ?? NONE;
      for (const [deviceId, content] of messages.get(userId) ?? []) {
        const text = JSON.stringify(content);
        if (text.length > MESSAGE_BYTES_MAX) throw tooLarge('A message is too large');
        if (deviceId === '*') for (const device of own.values()) found.push({ device, user, text });
        else {
          const device = own.get(deviceId);
          if (device !== undefined) found.push({ device, user, text });
        }
      }
    }
    return found;
  }

  #trim(devices: readonly number[]): void {
    if (devices.length === 0) return;
    const { background, database } = this.#deps;
    const writes = devices.map((device) => trimToDeviceMessages(device, PENDING_MAX));
    background.start('dropping the oldest messages of devices', () => database.commit(writes));
  }
}

const NONE: ReadonlyMap<string, number> = new Map();

/** So many messages wait for a device; when more come the oldest are dropped: it has been away for very long. */
const PENDING_MAX = 10_000;
