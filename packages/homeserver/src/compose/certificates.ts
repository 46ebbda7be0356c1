import { ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import type { Tls } from '../http/listeners/tls.ts';
import type { HttpServer, HttpSettings } from '../http/start.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Log } from '../platform/monitoring/log.ts';
import { readTls } from './settings.ts';

const CHECK_EVERY_MS = 60_000;

/**
 * Reads the files of certificates once a minute and uses changed ones, so that a renewed certificate needs no restart.
 * Invalid files are not used, nor files that do not belong together because one of them has not been written yet.
 */
export function watchCertificates(
  config: Config,
  settings: HttpSettings,
  http: Pick<HttpServer, 'replaceCertificate'>,
  background: Background,
  log: Pick<Log, 'info' | 'warn'>,
): void {
  for (const [index, { tls: files }] of config.listen.entries()) {
    const tls = settings.listen[index]?.tls;
    if (files === undefined || tls === undefined) continue;
    const watch = new CertificateWatch(tls, (renewed) => http.replaceCertificate(index, renewed), log);
    background.every(CHECK_EVERY_MS, 'reading changed certificates', () => watch.check(() => readTls(files)));
  }
}

/** The certificate of one listener. */
class CertificateWatch {
  readonly #replace: (tls: Tls) => void;
  readonly #log: Pick<Log, 'info' | 'warn'>;
  #current: Tls;
  #reported: string | undefined;

  constructor(current: Tls, replace: (tls: Tls) => void, log: Pick<Log, 'info' | 'warn'>) {
    this.#current = current;
    this.#replace = replace;
    this.#log = log;
  }

  /** Uses the certificate that `read` returns if it has changed. */
  check(read: () => Tls): Promise<void> {
    try {
      const tls = read();
      this.#reported = undefined;
      if (tls.cert !== this.#current.cert || tls.key !== this.#current.key) {
        this.#replace(tls);
        this.#current = tls;
        this.#log.info('using a renewed certificate');
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // The same problem is reported once.
      if (error.message !== this.#reported) this.#log.warn('keeping the old certificate', { problem: error.message });
      this.#reported = error.message;
    }
    return Promise.resolve();
  }
}
