import { createHmac } from 'node:crypto';
import { call } from './client.ts';
import { TestUser } from './user.ts';

/** The registration secret of servers that tests start. */
export const SHARED_SECRET = 'secret of the tests';

/** Registers an administrator with the shared secret, as scripts do. */
export async function registerAdmin(server: { readonly url: string }, username: string): Promise<TestUser> {
  const path = '/_synapse/admin/v1/register';
  const { nonce } = await call<{ nonce: string }>({ server }, 'GET', path);
  const mac = createHmac('sha1', SHARED_SECRET).update([nonce, username, username, 'admin'].join('\0')).digest('hex');
  const body = { nonce, username, password: username, admin: true, mac };
  const session = await call<{ user_id: string; device_id: string; access_token: string }>({ server }, 'POST', path, {
    body,
  });
  return new TestUser(server, session);
}
