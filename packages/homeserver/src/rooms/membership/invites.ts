import { inviteBlocked } from '@hearth/protocol/errors.ts';

/** A function that returns whether a user refuses every invite. It is passed in, because rooms do not know account data. */
export type BlocksInvites = (userId: string) => Promise<boolean>;

/** @throws MatrixError M_INVITE_BLOCKED when one of the users refuses invites (client-server API, "Invite permission") */
export async function checkInvites(blocksInvites: BlocksInvites, invitees: readonly string[]): Promise<void> {
  for (const invitee of invitees) {
    if (await blocksInvites(invitee)) throw inviteBlocked(`${invitee} does not accept invites`);
  }
}
