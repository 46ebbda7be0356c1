import { forbidden } from '@hearth/protocol/errors.ts';

/** For what only the user themselves may see or change. @throws MatrixError M_FORBIDDEN */
export function requireSelf(caller: { readonly userId: string }, userId: string): void {
  if (caller.userId !== userId) throw forbidden('This belongs to another user');
}
