import type { Transporter } from 'nodemailer';
import { memoise } from '../../platform/caches/memoise.ts';

/** A mail. */
export interface Mail {
  /** The address of the recipient. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Sends a mail. @throws Error when the mail server does not accept it */
export type SendMail = (mail: Mail) => Promise<void>;

export interface MailerSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'always' | 'never';
  readonly login: { readonly user: string; readonly pass: string } | undefined;
  readonly from: string;
}

const TIMEOUT_MS = 30_000;

/** Sends mail through a mail server. The library is loaded with the first mail. */
export function openMailer({ host, port, tls, login, from }: MailerSettings): SendMail {
  const transporter = memoise(async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      host,
      port,
      secure: tls === 'always',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'never',
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(login === undefined ? {} : { auth: login }),
    });
  });
  return async ({ to, ...mail }) => {
    await (await transporter()).sendMail({ from, to: { name: '', address: to }, ...mail });
  };
}
