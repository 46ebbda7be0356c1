import { MatrixError } from '@hearth/protocol/errors.ts';
import { serverOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { asObject, asString, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Log } from '../platform/monitoring/log.ts';
import { isByDevice, type Messages, type ToDevice } from './to-device.ts';

/** Event types and message ids of other servers are at most this long. */
const NAME_LENGTH_MAX = 255;

/** A message as it is in an EDU of type `m.direct_to_device`. */
interface DirectMessage {
  readonly sender: string;
  readonly type: string;
  readonly messageId: string;
  readonly messages: Messages;
}

/** Processes EDUs of other servers. Unknown and malformed ones are ignored, so that they do not block a transaction. */
export class ReceivedEdus {
  readonly #toDevice: Pick<ToDevice, 'receive'>;
  readonly #log: Pick<Log, 'debug'>;

  constructor(toDevice: Pick<ToDevice, 'receive'>, log: Pick<Log, 'debug'>) {
    this.#toDevice = toDevice;
    this.#log = log;
  }

  /** Processes the EDUs of a transaction. Resolves when their messages are on disk. */
  async receive(origin: string, edus: readonly unknown[]): Promise<void> {
    await Promise.all(edus.map((edu) => this.#one(origin, edu)));
  }

  async #one(origin: string, edu: unknown): Promise<void> {
    if (!isObject(edu) || edu.edu_type !== 'm.direct_to_device') return;
    const message = parseMessage(origin, asObject(edu.content));
    if (message === undefined) {
      this.#log.debug('ignored a malformed to-device message', { server: origin });
      return;
    }
    const { sender, type, messageId, messages } = message;
    try {
      await this.#toDevice.receive(origin, messageId, sender, { type, messages });
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      this.#log.debug('ignored a to-device message', { server: origin, error: error.message });
    }
  }
}

/** Returns the message of an EDU; undefined if it is malformed, or if its sender is not a user of the server. */
function parseMessage(origin: string, content: JsonObject | undefined): DirectMessage | undefined {
  const sender = parseUserId(asString(content?.sender) ?? '');
  const type = asString(content?.type);
  const messageId = asString(content?.message_id);
  const messages = asObject(content?.messages);
  if (sender === undefined || serverOf(sender) !== origin) return undefined;
  if (type === undefined || type.length > NAME_LENGTH_MAX) return undefined;
  if (messageId === undefined || messageId.length > NAME_LENGTH_MAX) return undefined;
  if (messages === undefined || !areMessages(messages)) return undefined;
  return { sender, type, messageId, messages };
}

function areMessages(messages: JsonObject): messages is JsonObject & Messages {
  return Object.values(messages).every(isByDevice);
}
