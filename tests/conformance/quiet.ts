import { type Logger, logger } from 'matrix-js-sdk/lib/logger.js';

/** A logger that says nothing, for clients. */
export const quiet: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  getChild: () => quiet,
};

// Parts of the library that know no client log to one logger for all; its children take over this factory.
const all = logger as typeof logger & { methodFactory: () => () => void; rebuild(): void };
all.methodFactory = () => () => {};
all.rebuild();
