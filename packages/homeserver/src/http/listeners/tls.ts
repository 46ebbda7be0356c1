import { createPrivateKey, X509Certificate } from 'node:crypto';

/** Certificate chain and key in PEM form. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
}

/** @throws Error when these are no certificate and its key in PEM form */
export function checkTls({ cert, key }: Tls): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error('the key belongs to another certificate');
  }
}
