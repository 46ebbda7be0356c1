import { type Access, type RequestOptions, request, type TestReply, UnexpectedReply } from '../support/client.ts';

/** The error for a server that disappears during a request. */
export class ServerGone extends Error {}

/** Sends a request that succeeds as long as the server runs. @throws ServerGone, UnexpectedReply */
export async function callServer(
  access: Access,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<TestReply> {
  const reply = await request(access, method, path, options).catch((error: unknown) => {
    throw new ServerGone(`${method} ${path}`, { cause: error });
  });
  if (reply.status !== 200) throw new UnexpectedReply(method, path, reply);
  return reply;
}
