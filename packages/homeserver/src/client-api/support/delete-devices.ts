import type { Answer, Caller } from '../../http/route.ts';
import type { GuardedBody } from '../../users/credentials/interactive-auth.ts';
import type { OwnerCheck, OwnerRequest } from '../../users/credentials/owner-check.ts';
import type { Devices } from '../../users/sessions/devices.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';
import { challengeReply } from './challenge.ts';

export interface DeletingDevices {
  readonly devices: Devices;
  readonly sessions: Sessions;
  readonly ownerCheck: OwnerCheck;
}

/** Deletes the devices of the caller that have one of the ids, if the caller proves to own the account. */
export async function deleteOwnDevices(
  { devices, sessions, ownerCheck }: DeletingDevices,
  request: OwnerRequest & { readonly caller: Caller },
  ids: readonly string[],
  body: GuardedBody,
): Promise<Answer> {
  const verdict = await ownerCheck.judge(request, body);
  if (!verdict.passed) return challengeReply(verdict.challenge);
  const { caller } = request;
  const wanted = new Set(ids);
  const own = (await devices.list(caller.user)).filter((device) => wanted.has(device.deviceId));
  await sessions.logout(
    caller.user,
    own.map(({ num }) => num),
  );
  return {};
}
