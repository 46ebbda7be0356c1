import { pino } from 'pino';
import { formatLine } from './log-text.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** The fields of a log message. They never contain tokens, passwords or contents of messages. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** Whether `debug` prints, so that callers can avoid the work of creating fields. */
  readonly isDebug: boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** Logs an error. `fields.error` is printed with its stack. */
  error(message: string, fields?: LogFields): void;
}

/** Creates a log on standard error, as lines of JSON or of text for people. */
export function createLog(options: { level: LogLevel; format: 'json' | 'text' }): Log {
  const destination = pino.destination(2);
  const text = { write: (line: string) => destination.write(formatLine(line)) };
  const logger = pino(
    { level: options.level, base: null, serializers: { error: pino.stdSerializers.err } },
    options.format === 'json' ? destination : text,
  );
  return {
    isDebug: options.level === 'debug',
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}

/** A log that prints nothing, for tests. */
export const silentLog: Log = { isDebug: false, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
