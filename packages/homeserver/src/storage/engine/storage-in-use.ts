import { OperatorError } from '../../platform/operator-error.ts';

/** The error for storage that another process uses. */
export class StorageInUse extends OperatorError {}
