import { createPrivateKey, X509Certificate } from 'node:crypto';

/** A certificate chain and its key in PEM format. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
}

/** Checks a certificate and its key. @throws Error when they are invalid or do not belong together */
export function checkTls({ cert, key }: Tls): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error('the key belongs to another certificate');
  }
}
