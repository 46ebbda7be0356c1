import { inviteBlocked } from '@hearth/protocol/errors.ts';

/** Whether somebody refuses every invite; for rooms, which know nothing of account data. */
export interface InviteDeps {
  readonly blocksInvitesTo: (userId: string) => Promise<boolean>;
}

/** @throws MatrixError M_INVITE_BLOCKED when one of the users refuses invites (client-server API, "Invite permission") */
export async function checkInvites({ blocksInvitesTo }: InviteDeps, invitees: readonly string[]): Promise<void> {
  for (const invitee of invitees) {
    if (await blocksInvitesTo(invitee)) throw inviteBlocked(`${invitee} does not accept invites`);
  }
}
