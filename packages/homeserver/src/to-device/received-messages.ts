import { badJson } from '@hearth/protocol/errors.ts';
import { serverOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
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

/** An observer of messages that are on disk. */
export type MessageObserver = (sender: string, messages: Messages) => void;

/** Processes the to-device messages of other servers: the EDUs of type `m.direct_to_device`. */
export class ReceivedMessages {
  readonly #toDevice: Pick<ToDevice, 'receive'>;

  readonly #observer: MessageObserver;

  constructor(toDevice: Pick<ToDevice, 'receive'>, observer: MessageObserver) {
    this.#toDevice = toDevice;
    this.#observer = observer;
  }

  /** Returns the id of a message, because different messages are independent of each other. */
  keyOf(content: JsonObject): string {
    return asString(content.message_id) ?? '';
  }

  /** Stores the messages of an EDU. @throws MatrixError if it is malformed or its sender is of another server */
  async handle(origin: string, content: JsonObject): Promise<void> {
    const message = parseMessage(origin, content);
    if (message === undefined) throw badJson('The to-device message is malformed');
    const { sender, type, messageId, messages } = message;
    await this.#toDevice.receive(origin, messageId, sender, { type, messages });
    this.#observer(sender, messages);
  }
}

/** Returns the message of an EDU; undefined if it is malformed, or if its sender is not a user of the server. */
function parseMessage(origin: string, content: JsonObject): DirectMessage | undefined {
  const sender = parseUserId(asString(content.sender) ?? '');
  const type = asString(content.type);
  const messageId = asString(content.message_id);
  const messages = asObject(content.messages);
  if (sender === undefined || serverOf(sender) !== origin) return undefined;
  if (type === undefined || type.length > NAME_LENGTH_MAX) return undefined;
  if (messageId === undefined || messageId.length > NAME_LENGTH_MAX) return undefined;
  if (messages === undefined || !areMessages(messages)) return undefined;
  return { sender, type, messageId, messages };
}

function areMessages(messages: JsonObject): messages is JsonObject & Messages {
  return Object.values(messages).every(isByDevice);
}
