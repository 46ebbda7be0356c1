import { setTimeout as sleep } from 'node:timers/promises';
import type { MatrixClient, MatrixEvent, Room } from 'matrix-js-sdk';
import { CryptoEvent, type VerificationRequest, VerifierEvent } from 'matrix-js-sdk/lib/crypto-api/index.js';
import type { Clients } from './sdk.ts';

/** The maximum time until keys are in the backup. The library waits up to ten seconds before it uploads them. */
const READY_MS = 25_000;
const LOOK_EVERY_MS = 50;

/** A place outside the clients for the key of a user's secret storage. */
export class Safe {
  #key: readonly [string, Uint8Array<ArrayBuffer>] | undefined;

  /** Returns callbacks for a client whose user has this key. */
  callbacks(): NonNullable<Parameters<Clients['again']>[2]> {
    return {
      getSecretStorageKey: async () => (this.#key === undefined ? null : [...this.#key]),
      cacheSecretStorageKey: (keyId, _info, key) => {
        this.#key = [keyId, key as Uint8Array<ArrayBuffer>];
      },
    };
  }
}

/** Creates cross-signing keys, secret storage and a key backup for a user. */
export async function bootstrap(client: MatrixClient): Promise<void> {
  const crypto = cryptoOf(client);
  await crypto.bootstrapCrossSigning({
    authUploadDeviceSigningKeys: async (upload) => {
      await upload(null);
    },
  });
  await crypto.bootstrapSecretStorage({
    setupNewKeyBackup: true,
    createSecretStorageKey: () => crypto.createRecoveryKeyFromPassphrase(),
  });
}

export function cryptoOf(client: MatrixClient) {
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Error('the client has no cryptography module');
  return crypto;
}

/** Returns the texts of a room, with `?` for messages that cannot be decrypted. */
export function readable(room: Room): string[] {
  const isMessage = (event: MatrixEvent) => event.isEncrypted() || event.getType() === 'm.room.message';
  const textOf = (event: MatrixEvent) =>
    event.getType() === 'm.room.message' && !event.isDecryptionFailure() ? String(event.getContent().body) : '?';
  return room.getLiveTimeline().getEvents().filter(isMessage).map(textOf);
}

/** Waits like `until`, for a condition that is a promise. */
export async function eventually(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += LOOK_EVERY_MS) {
    if (await ask()) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`timeout while waiting until ${what}`);
}

/** Waits until a client knows a number of devices of a user. */
export function knows(client: MatrixClient, userId: string, count: number): Promise<void> {
  return eventually(`${client.getUserId()} knows ${count} devices of ${userId}`, async () => {
    const devices = await cryptoOf(client).getUserDeviceInfo([userId]);
    return devices.get(userId)?.size === count;
  });
}

/** Resolves with the next verification request that a client receives. */
export function nextRequest(client: MatrixClient): Promise<VerificationRequest> {
  return new Promise((resolve) => client.once(CryptoEvent.VerificationRequestReceived, resolve));
}

/** Verifies two sides by comparing emojis. Both sides confirm. Returns whether both show the same emojis. */
export async function compareEmojis(asking: VerificationRequest, asked: VerificationRequest): Promise<boolean> {
  const shown: string[] = [];
  const confirm = async (verifier: Awaited<ReturnType<VerificationRequest['startVerification']>>) => {
    verifier.on(VerifierEvent.ShowSas, (sas) => {
      shown.push(JSON.stringify(sas.sas.decimal));
      void sas.confirm();
    });
    await verifier.verify();
  };
  const verifier = await asking.startVerification('m.sas.v1');
  const first = confirm(verifier);
  await eventually('the other side has started too', async () => asked.verifier !== undefined);
  if (asked.verifier === undefined) return false;
  await Promise.all([first, confirm(asked.verifier)]);
  return shown.length === 2 && shown[0] === shown[1];
}
