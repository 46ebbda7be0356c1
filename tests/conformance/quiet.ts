import { type Logger, logger } from 'matrix-js-sdk/lib/logger.js';

/** A logger for clients that discards everything. */
export const quiet: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  getChild: () => quiet,
};

// Parts of the library without a client use one global logger. Its children inherit this factory.
const all = logger as typeof logger & { methodFactory: () => () => void; rebuild(): void };
all.methodFactory = () => () => {};
all.rebuild();
