import { inviteBlocked } from '@hearth/protocol/errors.ts';

/**
 * A function that returns whether a user refuses the invites of another one. It is passed in, because rooms do not know
 * account data.
 */
export type BlocksInvites = (userId: string, inviter: string) => Promise<boolean>;

/**
 * @throws MatrixError M_INVITE_BLOCKED when one of the users refuses the invite (client-server API, "Invite permission";
 *   MSC4155)
 */
export async function checkInvites(
  blocksInvites: BlocksInvites,
  inviter: string,
  invitees: readonly string[],
): Promise<void> {
  for (const invitee of invitees) {
    if (await blocksInvites(invitee, inviter)) throw inviteBlocked(`${invitee} does not accept the invite`);
  }
}
