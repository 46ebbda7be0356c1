import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';
import { rowNumber } from '../../storage/engine/row-numbers.ts';
import { insertOutgoingEdus } from '../../storage/federation/outgoing-edus.ts';
import type { TransactionSender } from './transaction-sender.ts';

/** The maximum length of the messages of one EDU in characters. An EDU has at least one message. */
const LENGTH_MAX = 128 * 1024;
/** The specification limits ids to 32 code points. */
const MESSAGE_ID_LENGTH = 32;

/** The content for one device, as a JSON text; see `DeviceContent` in `to-device/`. */
interface DeviceContent {
  readonly userId: string;
  readonly deviceId: string;
  readonly text: string;
}

/** Queues messages to devices of other servers as EDUs of type `m.direct_to_device`. */
export class RemoteInboxes {
  readonly #sender: TransactionSender;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(sender: TransactionSender, clock: Clock, random: Random) {
    this.#sender = sender;
    this.#clock = clock;
    this.#random = random;
  }

  /** Prepares messages; see `RemoteDevices` in `to-device/`. */
  prepare(sender: string, type: string, contents: readonly DeviceContent[]) {
    const servers: string[] = [];
    const jsons: string[] = [];
    for (const [server, ofServer] of Map.groupBy(contents, ({ userId }) => domainOf(userId) ?? '')) {
      for (const part of inParts(ofServer)) {
        servers.push(server);
        jsons.push(this.#edu(sender, type, part));
      }
    }
    return {
      length: jsons.reduce((sum, json) => sum + json.length, 0),
      writesAt: (position: number) => {
        const nums = jsons.map((_, i) => rowNumber(position, i));
        return [insertOutgoingEdus(nums, servers, jsons, this.#clock.now())];
      },
      committed: () => this.#sender.wakeForStored(new Set(servers)),
    };
  }

  #edu(sender: string, type: string, part: readonly DeviceContent[]): string {
    const id = randomText(this.#random, MESSAGE_ID_LENGTH);
    const users = [...Map.groupBy(part, ({ userId }) => userId)].map(([userId, devices]) => {
      const list = devices.map(({ deviceId, text }) => `${JSON.stringify(deviceId)}:${text}`);
      return `${JSON.stringify(userId)}:{${list.join(',')}}`;
    });
    const head = `"sender":${JSON.stringify(sender)},"type":${JSON.stringify(type)},"message_id":"${id}"`;
    return `{"edu_type":"m.direct_to_device","content":{${head},"messages":{${users.join(',')}}}}`;
  }
}

function inParts(contents: readonly DeviceContent[]): DeviceContent[][] {
  const parts: DeviceContent[][] = [];
  let length = 0;
  for (const content of contents) {
    const part = parts.at(-1);
    if (part === undefined || length + content.text.length > LENGTH_MAX) {
      parts.push([content]);
      length = content.text.length;
    } else {
      part.push(content);
      length += content.text.length;
    }
  }
  return parts;
}
