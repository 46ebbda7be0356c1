import { expect, test } from 'vitest';
import { EphemeralData } from '../../src/application-service-transactions/ephemeral.ts';
import type { ApplicationService } from '../../src/application-services/registration.ts';

test('data that do not concern an application service do not delay what does', async () => {
  const data = new EphemeralData({
    interest: { inUser: (_service, user) => Promise.resolve(user > 300), inRoom: () => Promise.resolve(false) },
    users: { of: () => new Set() },
    names: { text: (user) => Promise.resolve(`@user${user}:one.test`), texts: () => Promise.resolve(new Map()) },
    typing: { typingIn: () => undefined },
    receipts: { receiptsOf: () => Promise.reject(new Error('there are no receipts')) },
    presences: { contentOf: () => ({ presence: 'online' }) },
  });
  const service = { id: 'irc', receivesEphemeral: true } as ApplicationService;
  for (let user = 1; user <= 420; user += 1) data.note(service, { kind: 'presence', position: user, user });
  const first = await data.take(service);
  expect(first).toHaveLength(100);
  expect(first[0]).toContain('@user301:one.test');
  expect(await data.take(service)).toHaveLength(20);
  expect(await data.take(service)).toEqual([]);
});
