import type { Clock } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';
import { rowNumber } from '../../storage/engine/row-numbers.ts';
import { insertOutgoingEdus } from '../../storage/federation/outgoing-edus.ts';
import type { EduSender } from './edu-sender.ts';

/** The maximum length of the messages of one EDU in characters. An EDU has at least one message. */
const LENGTH_MAX = 128 * 1024;
/** The specification limits ids to 32 code points. */
const MESSAGE_ID_LENGTH = 32;

/** An event for devices of other servers. Contents by user id and device id. */
interface RemoteEvent {
  readonly type: string;
  readonly messages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A message to one device, as a JSON text. */
interface DeviceMessage {
  readonly userId: string;
  readonly deviceId: string;
  readonly text: string;
}

/** Queues messages to devices of other servers as EDUs of type `m.direct_to_device`. */
export class RemoteInboxes {
  readonly #sender: EduSender;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(sender: EduSender, clock: Clock, random: Random) {
    this.#sender = sender;
    this.#clock = clock;
    this.#random = random;
  }

  /** Prepares an event; see `RemoteDevices` in `to-device/`. */
  prepare(sender: string, { type, messages }: RemoteEvent) {
    const servers: string[] = [];
    const jsons: string[] = [];
    for (const [server, ofServer] of byServer(messages)) {
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
      committed: () => {
        for (const server of new Set(servers)) this.#sender.wake(server);
      },
    };
  }

  #edu(sender: string, type: string, part: readonly DeviceMessage[]): string {
    const id = randomText(this.#random, MESSAGE_ID_LENGTH);
    const users = [...Map.groupBy(part, ({ userId }) => userId)].map(([userId, devices]) => {
      const list = devices.map(({ deviceId, text }) => `${JSON.stringify(deviceId)}:${text}`);
      return `${JSON.stringify(userId)}:{${list.join(',')}}`;
    });
    const head = `"sender":${JSON.stringify(sender)},"type":${JSON.stringify(type)},"message_id":"${id}"`;
    return `{"edu_type":"m.direct_to_device","content":{${head},"messages":{${users.join(',')}}}}`;
  }
}

function byServer(messages: RemoteEvent['messages']): Map<string, DeviceMessage[]> {
  const found = new Map<string, DeviceMessage[]>();
  for (const [userId, devices] of Object.entries(messages)) {
    const server = userId.slice(userId.indexOf(':') + 1);
    const list = found.get(server) ?? [];
    found.set(server, list);
    for (const [deviceId, content] of Object.entries(devices))
      list.push({ userId, deviceId, text: JSON.stringify(content) });
  }
  return found;
}

function inParts(messages: readonly DeviceMessage[]): DeviceMessage[][] {
  const parts: DeviceMessage[][] = [];
  let length = 0;
  for (const message of messages) {
    const part = parts.at(-1);
    if (part === undefined || length + message.text.length > LENGTH_MAX) {
      parts.push([message]);
      length = message.text.length;
    } else {
      part.push(message);
      length += message.text.length;
    }
  }
  return parts;
}
