/** The certificate that a server has presented. */
export interface PresentedCertificate {
  /** Why connections to the server are refused, as a code of Node or OpenSSL; undefined if the certificate is valid. */
  readonly problem: string | undefined;
  /** The end of the validity as a timestamp in milliseconds. */
  readonly validUntilMs: number;
}

/** The address of a server and the name for which its certificate has to be valid. */
export interface CertificateTarget {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly certificateName: string;
}

/** Connects to a server and returns its certificate, valid or not. @throws Error when there is no TLS connection */
export function inspectCertificate(target: CertificateTarget, timeoutMs: number): Promise<PresentedCertificate> {
  const { connect } = process.getBuiltinModule('node:tls');
  const { isIP } = process.getBuiltinModule('node:net');
  const { address, port, certificateName } = target;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port,
      // TLS has no server name indication for IP addresses; the certificate is checked for `host` then.
      servername: isIP(certificateName) === 0 ? certificateName : '',
      rejectUnauthorized: false,
      timeout: timeoutMs,
    });
    socket.once('secureConnect', () => {
      const { valid_to: validTo } = socket.getPeerCertificate();
      const error: unknown = socket.authorizationError;
      const problem = socket.authorized ? undefined : String(error);
      resolve({ problem, validUntilMs: Date.parse(validTo) });
      socket.destroy();
    });
    socket.once('timeout', () => socket.destroy(new Error('the connection took too long')));
    socket.once('error', reject);
  });
}
