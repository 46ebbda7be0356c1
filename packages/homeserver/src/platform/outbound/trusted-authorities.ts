const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Adds certificates that all outgoing TLS connections of this process trust (requests, S3, mail).
 * @param pem one or more certificates
 * @throws Error when there is no valid certificate in the text
 */
export function trustAuthorities(pem: string): void {
  const certificates = certificatesOf(pem);
  const { getCACertificates, setDefaultCACertificates } = process.getBuiltinModule('node:tls');
  setDefaultCACertificates([...getCACertificates('default'), ...certificates]);
}

/** Returns the certificates of a PEM text. @throws Error when there is none or an invalid one */
export function certificatesOf(pem: string): string[] {
  const certificates = pem.match(CERTIFICATE);
  if (certificates === null) throw new Error('there is no certificate in PEM form');
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  for (const certificate of certificates) void new X509Certificate(certificate);
  return certificates;
}
