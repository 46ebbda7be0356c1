const LEVELS = new Map([
  [20, 'debug'],
  [30, 'info '],
  [40, 'warn '],
  [50, 'ERROR'],
]);

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly error?: { readonly stack?: string };
  readonly [field: string]: unknown;
}

/** Formats a line of the structured log for people: time, level, message, then `name=value` for each field. */
export function formatLine(json: string): string {
  const { level, time, msg = '', error, ...fields } = JSON.parse(json) as Line;
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${show(value)}`);
  const stack = error?.stack === undefined ? '' : `\n${error.stack}`;
  return `${new Date(time).toISOString()} ${LEVELS.get(level) ?? level} ${msg}${pairs.join('')}${stack}\n`;
}

function show(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
}
