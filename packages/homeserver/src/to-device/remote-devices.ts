import type { Write } from '../storage/engine/database.ts';
import type { ToDeviceEvent } from './to-device.ts';

/** An event for devices of other servers that is stored in the transaction of a change. */
export interface PreparedMessages {
  /** The number of characters of JSON. */
  readonly length: number;
  /** Returns the writes for the change at a position. */
  writesAt(position: number): readonly Write[];
  /** Begins to send the messages, when they are on disk. */
  committed(): void;
}

/** Sends messages to devices of other servers. */
export interface RemoteDevices {
  /** Prepares an event for devices of users of other servers. */
  prepare(sender: string, event: ToDeviceEvent): PreparedMessages;
}

/** The implementation for a server without federation: messages to other servers are dropped. */
export const noRemoteDevices: RemoteDevices = {
  prepare: () => ({ length: 0, writesAt: () => [], committed: () => undefined }),
};
