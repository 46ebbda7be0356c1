import { DAY_MS } from '../platform/clock.ts';
import { dateText } from '../platform/date-text.ts';
import { errorText } from '../platform/error-text.ts';
import {
  type CertificateTarget,
  inspectCertificate,
  type PresentedCertificate,
} from '../platform/outbound/inspect-certificate.ts';
import type { Finding } from './finding.ts';

const TIMEOUT_MS = 10_000;
/** The time before the end of a certificate at which it should have been renewed. */
const RENEWED_BEFORE_MS = 14 * DAY_MS;

/** Checks the certificate that a server presents at an address. */
export async function checkCertificate(target: CertificateTarget, nowMs: number): Promise<Finding> {
  try {
    return certificateFinding(target, await inspectCertificate(target, TIMEOUT_MS), nowMs);
  } catch (error) {
    return {
      outcome: 'failed',
      subject: 'connection',
      text: `${placeOf(target)} cannot be reached by TLS: ${errorText(error)}`,
      advice:
        'Check that the server or its reverse proxy listens there, and that firewalls and routers let it through.',
    };
  }
}

/** Returns the finding about a certificate. */
export function certificateFinding(
  target: CertificateTarget,
  { problem, validUntilMs }: PresentedCertificate,
  nowMs: number,
): Finding {
  const place = placeOf(target);
  const name = target.certificateName;
  if (problem !== undefined) {
    const text = `other servers reject the certificate of ${place}: ${problem}`;
    return { outcome: 'failed', subject: 'certificate', text, advice: adviceFor(problem, name) };
  }
  return expiryFinding(`the certificate of ${place} for ${name}`, validUntilMs, nowMs);
}

/** Returns the finding about the end of a certificate's validity. */
export function expiryFinding(what: string, validUntilMs: number, nowMs: number): Finding {
  const subject = 'certificate';
  const text = `${what} is valid until ${dateText(validUntilMs)}`;
  const leftMs = validUntilMs - nowMs;
  if (leftMs >= RENEWED_BEFORE_MS) return { outcome: 'ok', subject, text };
  if (leftMs > 0)
    return { outcome: 'warning', subject, text, advice: 'Renew it, and check why that is not automatic.' };
  return { outcome: 'failed', subject, text, advice: 'Renew it.' };
}

function adviceFor(problem: string, name: string): string {
  if (problem === 'ERR_TLS_CERT_ALTNAME_INVALID') return `Use a certificate that contains the name ${name}.`;
  if (problem === 'CERT_HAS_EXPIRED') return 'Renew it.';
  return 'Use a certificate of a public authority, and serve it with its intermediate certificates (the full chain).';
}

function placeOf({ address, port }: CertificateTarget): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
