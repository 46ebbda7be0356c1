import { OperatorError } from '../../platform/operator-error.ts';

/** Another process uses the storage, and only one may. */
export class StorageInUse extends OperatorError {}
