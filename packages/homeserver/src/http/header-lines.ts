/** What `node:http` refuses in a header's value. */
const ILLEGAL = /[^\t -~\x80-\xff]/;

/**
 * Headers as they go over the wire.
 * @param headers names and values in turn
 * @throws TypeError for a value that must not be sent
 */
export function headerLines(headers: readonly string[]): string {
  let text = '';
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    if (ILLEGAL.test(value)) throw new TypeError(`The header ${headers[i]} has a character that it must not have`);
    text += `${headers[i]}: ${value}\r\n`;
  }
  return text;
}
