import { forbidden } from '@hearth/protocol/errors.ts';

/** Throws unless the caller is the user. @throws MatrixError M_FORBIDDEN */
export function requireSelf(caller: { readonly userId: string }, userId: string): void {
  if (caller.userId !== userId) throw forbidden('The user id in the path is not your user id');
}
