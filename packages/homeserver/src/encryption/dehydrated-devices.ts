import { invalidParam, notFound } from '@hearth/protocol/errors.ts';
import { parseDeviceId } from '@hearth/protocol/identifiers/device-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { readDevice } from '../storage/accounts/devices.ts';
import {
  type DehydratedDeviceRow,
  putDehydratedDevice,
  readDehydratedDevice,
} from '../storage/encryption/dehydrated-devices.ts';
import { type Database, Fenced } from '../storage/engine/database.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { ToDeviceInbox } from '../to-device/inbox.ts';
import type { Sessions } from '../users/sessions/sessions.ts';
import type { KeyUpload, UploadedKeys } from './key-upload.ts';

interface DehydratedDevicesParts {
  readonly database: Database;
  readonly stream: Stream;
  readonly sessions: Sessions;
  readonly inbox: ToDeviceInbox;
  readonly keyUpload: KeyUpload;
}

/** An uploaded dehydrated device. */
export interface NewDehydratedDevice extends UploadedKeys {
  readonly deviceId: string;
  readonly displayName: string | undefined;
  /** The data that the client has encrypted. */
  readonly data: JsonObject;
  readonly deviceKeys: JsonObject;
}

const EVENTS_MAX = 100;

/** Dehydrated devices, which receive keys while the user has no session (MSC3814). A user has at most one. */
export class DehydratedDevices {
  readonly #parts: DehydratedDevicesParts;

  constructor(parts: DehydratedDevicesParts) {
    this.#parts = parts;
  }

  /** Stores a device, which replaces the earlier one. @throws MatrixError M_INVALID_PARAM, as `KeyUpload.upload` */
  async put(owner: { user: number; userId: string }, made: NewDehydratedDevice): Promise<void> {
    const { deviceId, displayName } = made;
    if (parseDeviceId(deviceId) === undefined) throw invalidParam('The device id is not valid');
    const { keyUpload, sessions } = this.#parts;
    keyUpload.check({ ...owner, deviceId }, made);
    const old = await readDehydratedDevice(this.#parts.database, owner.user);
    const known = await readDevice(this.#parts.database, owner.user, deviceId);
    if (known !== undefined && known.num !== old?.device) throw invalidParam('You already have a device with this id');
    if (old !== undefined) await sessions.logout(owner.user, [old.device]);
    const json = JSON.stringify(made.data);
    try {
      const device = await sessions.addDevice(owner.user, { deviceId, displayName }, (num) => [
        putDehydratedDevice(owner.user, num, json),
      ]);
      await keyUpload.upload({ ...owner, device, deviceId }, made);
    } catch (error) {
      if (error instanceof Fenced) throw invalidParam('You already have a device with this id');
      throw error;
    }
  }

  /** @throws MatrixError M_NOT_FOUND */
  async get(user: number): Promise<DehydratedDeviceRow> {
    const row = await readDehydratedDevice(this.#parts.database, user);
    if (row === undefined) throw notFound('You have no dehydrated device');
    return row;
  }

  /** Deletes the device and returns its id. @throws MatrixError M_NOT_FOUND */
  async delete(user: number): Promise<string> {
    const row = await this.get(user);
    await this.#parts.sessions.logout(user, [row.device]);
    return row.device_id;
  }

  /**
   * Returns the messages for the device after a position of an earlier answer, and the next position. Messages are kept
   * as long as the device, because a client that rehydrates it may have to begin again.
   * @throws MatrixError M_NOT_FOUND
   */
  async events(user: number, deviceId: string, from: number): Promise<{ texts: readonly string[]; next: number }> {
    const row = await this.get(user);
    if (row.device_id !== deviceId) throw notFound('You have no dehydrated device with this id');
    const upTo = this.#parts.stream.current;
    const { texts, through } = await this.#parts.inbox.look(row.device, Math.min(from, upTo), upTo, EVENTS_MAX);
    return { texts, next: through ?? upTo };
  }
}
