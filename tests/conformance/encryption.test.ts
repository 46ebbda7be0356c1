// This import is the first one, because the logger has to be replaced before the library copies its methods.
import './quiet.ts';

import { Attachment, EncryptedAttachment } from '@matrix-org/matrix-sdk-crypto-wasm';
import { type MatrixClient, Method, MsgType } from 'matrix-js-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { bootstrap, compareEmojis, cryptoOf, eventually, knows, nextRequest, readable, Safe } from './encrypted.ts';
import { Clients, roomOf, until } from './sdk.ts';

/** Encrypted conversations with matrix-js-sdk and its cryptography module. */
describe('encryption with matrix-js-sdk', () => {
  let server: TestServer;
  const clients = new Clients(() => server.url);
  beforeAll(async () => {
    // The cryptography module logs everything to the console.
    for (const method of ['log', 'debug', 'info', 'warn'] as const) vi.spyOn(console, method).mockReturnValue();
    server = await startServer();
  });
  afterEach(() => clients.stop());
  afterAll(async () => {
    vi.restoreAllMocks();
    expect(server.faults).toEqual([]);
    await server.close();
  });

  const say = async (client: MatrixClient, roomId: string, body: string) =>
    (await client.sendMessage(roomId, { msgtype: MsgType.Text, body })).event_id;
  /** Waits until all clients show these texts decrypted. */
  const show = async (some: readonly MatrixClient[], roomId: string, texts: readonly string[]) => {
    for (const client of some) {
      const room = await roomOf(client, roomId);
      const expected = JSON.stringify(texts);
      await until(`${client.getUserId()} can read ${expected}`, () => JSON.stringify(readable(room)) === expected);
    }
  };
  const encryption = {
    type: 'm.room.encryption',
    state_key: '',
    content: { algorithm: 'm.megolm.v1.aes-sha2' },
  };
  /** Creates an encrypted room with two users, each with a client. */
  const pair = async () => {
    const safe = new Safe();
    const alice = await clients.encrypted('alice', safe.callbacks());
    const bob = await clients.encrypted('bob', new Safe().callbacks());
    const invite = [bob.getSafeUserId()];
    const { room_id: roomId } = await alice.createRoom({ name: 'Secret', invite, initial_state: [encryption] });
    await roomOf(bob, roomId, 'invite');
    await bob.joinRoom(roomId);
    const members = (await roomOf(alice, roomId)).currentState;
    await until('alice sees bob', () => members.getMember(bob.getSafeUserId())?.membership === 'join');
    return { alice, bob, roomId, safe };
  };

  test('two users with two devices each talk, and the server sees no plain text', { timeout: 60_000 }, async () => {
    const { alice, bob, roomId } = await pair();
    const alice2 = await clients.encryptedAgain(alice);
    const bob2 = await clients.encryptedAgain(bob);
    const everybody = [alice, bob, alice2, bob2];
    for (const client of everybody) {
      await roomOf(client, roomId);
      for (const user of [alice, bob]) await knows(client, user.getSafeUserId(), 2);
    }
    const texts: string[] = [];
    for (const [i, client] of [...everybody, alice].entries()) {
      texts.push(`secret ${i}`);
      await say(client, roomId, `secret ${i}`);
      await show(everybody, roomId, texts);
    }
    const { chunk } = await alice.createMessagesRequest(roomId, null, 50, 'b' as never);
    expect(chunk.filter(({ type }) => type === 'm.room.encrypted').length).toBe(texts.length);
    expect(JSON.stringify(chunk)).not.toContain('secret');
    // A removed device gets no more messages; the other devices continue.
    await bob2.logout(true);
    await knows(alice, bob.getSafeUserId(), 1);
    texts.push('after');
    await say(alice, roomId, 'after');
    await show([alice, bob, alice2], roomId, texts);
  });

  test('a new device is verified and reads the backup', { timeout: 60_000 }, async () => {
    const { alice, bob, roomId, safe } = await pair();
    await bootstrap(alice);
    const crypto = cryptoOf(alice);
    expect(await crypto.isCrossSigningReady()).toBe(true);
    expect(await crypto.isSecretStorageReady()).toBe(true);
    await say(alice, roomId, 'one');
    await say(bob, roomId, 'two');
    await show([alice, bob], roomId, ['one', 'two']);
    const version = (await crypto.getKeyBackupInfo())?.version;
    await eventually('both sessions are in the backup', async () => {
      const path = '/room_keys/version';
      return (await alice.http.authedRequest<{ count: number }>(Method.Get, path)).count === 2;
    });

    const fresh = await clients.encryptedAgain(alice, safe.callbacks());
    await show([fresh], roomId, ['?', '?']);
    await eventually("the new device has its user's public keys", () =>
      cryptoOf(fresh).userHasCrossSigningKeys(alice.getSafeUserId(), true),
    );
    await cryptoOf(fresh).bootstrapCrossSigning({});
    await cryptoOf(fresh).loadSessionBackupPrivateKeyFromSecretStorage();
    expect(await cryptoOf(fresh).checkKeyBackupAndEnable()).toMatchObject({ backupInfo: { version } });
    expect(await cryptoOf(fresh).restoreKeyBackup()).toMatchObject({ total: 2, imported: 2 });
    await show([fresh], roomId, ['one', 'two']);
    await eventually('the old device trusts the new one', async () => {
      const status = await crypto.getDeviceVerificationStatus(alice.getSafeUserId(), fresh.getDeviceId() ?? '');
      return status?.crossSigningVerified === true;
    });
  });

  test('a picture is encrypted before the upload, and only readers of the message can decrypt it', async () => {
    const { alice, bob, roomId } = await pair();
    const picture = new TextEncoder().encode('\x89PNG and what else is in a picture');
    const sealed = Attachment.encrypt(picture);
    const { content_uri: url } = await alice.uploadContent(new Blob([new Uint8Array(sealed.encryptedData)]), {
      type: 'application/octet-stream',
    });
    const file = { ...JSON.parse(sealed.mediaEncryptionInfo ?? '{}'), url };
    await alice.sendMessage(roomId, { msgtype: MsgType.Image, body: 'picture.png', file, info: {} } as never);
    await show([alice, bob], roomId, ['picture.png']);
    const events = (await roomOf(bob, roomId)).getLiveTimeline().getEvents();
    const [content] = events.slice(-1).map((event) => event.getContent<{ file: { url: string } }>());
    const { url: found = '', ...key } = content?.file ?? {};
    const address = bob.mxcUrlToHttp(found, undefined, undefined, undefined, false, true, true) ?? '';
    const reply = await fetch(address, { headers: { authorization: `Bearer ${bob.getAccessToken()}` } });
    const bytes = new Uint8Array(await reply.arrayBuffer());
    expect(Buffer.from(bytes).includes('PNG')).toBe(false);
    expect(Attachment.decrypt(new EncryptedAttachment(bytes, JSON.stringify(key)))).toEqual(picture);
    expect((await fetch(address)).status).toBe(401);
  });

  test('two devices verify each other by emojis, and so do two users', { timeout: 60_000 }, async () => {
    const { alice, bob, roomId } = await pair();
    await bootstrap(alice);
    await bootstrap(bob);
    const alice2 = await clients.encryptedAgain(alice);
    const asked = nextRequest(alice);
    const asking = await cryptoOf(alice2).requestOwnUserVerification();
    const request = await asked;
    await request.accept();
    await until('both sides are ready', () => asking.phase === request.phase);
    expect(await compareEmojis(asking, request)).toBe(true);
    await eventually('the new device is cross-signed', async () => {
      const status = await cryptoOf(bob).getDeviceVerificationStatus(alice.getSafeUserId(), alice2.getDeviceId() ?? '');
      return status?.signedByOwner === true;
    });

    const bobAsked = nextRequest(bob);
    const users = await cryptoOf(alice).requestVerificationDM(bob.getSafeUserId(), roomId);
    const bobs = await bobAsked;
    await bobs.accept();
    await until('both users are ready', () => users.phase === bobs.phase);
    expect(await compareEmojis(users, bobs)).toBe(true);
    await eventually('alice has verified bob, on her other device too', async () => {
      const verified = await Promise.all(
        [alice, alice2].map(async (client) => {
          const status = await cryptoOf(client).getUserVerificationStatus(bob.getSafeUserId());
          return status.isCrossSigningVerified();
        }),
      );
      return verified.every(Boolean);
    });
  });
});
