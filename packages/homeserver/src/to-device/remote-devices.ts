import type { Write } from '../storage/engine/database.ts';

/** The content for one device of a user, as a JSON text. `deviceId` may be `*`. */
export interface DeviceContent {
  readonly userId: string;
  readonly deviceId: string;
  readonly text: string;
}

/** Messages for devices of other servers that are stored in the transaction of a change. */
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
  /** Prepares messages of one type of a user of this server. */
  prepare(sender: string, type: string, contents: readonly DeviceContent[]): PreparedMessages;
}

/** The implementation for a server without federation: messages to other servers are dropped. */
export const noRemoteDevices: RemoteDevices = {
  prepare: () => ({ length: 0, writesAt: () => [], committed: () => undefined }),
};
