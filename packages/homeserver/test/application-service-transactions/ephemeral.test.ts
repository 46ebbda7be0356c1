import { expect, test } from 'vitest';
import { EphemeralData } from '../../src/application-service-transactions/ephemeral.ts';
import type { ApplicationService } from '../../src/application-services/registration.ts';

test('data that do not concern an application service do not delay what does', async () => {
  const parts = {
    interest: { inUser: (_service: unknown, user: number) => Promise.resolve(user > 300) },
    names: { text: (user: number) => Promise.resolve(`@user${user}:one.test`) },
    presences: { contentOf: () => ({ presence: 'online' }) },
  };
  const data = new EphemeralData(parts as unknown as ConstructorParameters<typeof EphemeralData>[0]);
  const service = { id: 'irc', receivesEphemeral: true } as ApplicationService;
  for (let user = 1; user <= 420; user += 1) data.note(service, { kind: 'presence', position: user, user });
  const first = await data.take(service);
  expect(first).toHaveLength(100);
  expect(first[0]).toContain('@user301:one.test');
  expect(await data.take(service)).toHaveLength(20);
  expect(await data.take(service)).toEqual([]);
});
