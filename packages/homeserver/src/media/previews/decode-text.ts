/** The number of bytes in which a page may declare its encoding. */
const DECLARED_WITHIN = 2_048;

/** Decodes a page with the encoding of its header, otherwise the encoding that it declares, otherwise UTF-8. */
export function decodeText(bytes: Buffer, contentType: string | undefined): string {
  const beginning = bytes.toString('latin1', 0, DECLARED_WITHIN);
  const label = charset(contentType ?? '') ?? charset(/<meta[^>]*charset[^>]*>/i.exec(beginning)?.[0] ?? '');
  return decoder(label ?? 'utf-8').decode(bytes);
}

function charset(text: string): string | undefined {
  return /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text)?.[1];
}

function decoder(label: string) {
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}
