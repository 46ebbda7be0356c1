/** An operator error: its message tells the operator what to do. It is shown without a stack. */
export class OperatorError extends Error {}
