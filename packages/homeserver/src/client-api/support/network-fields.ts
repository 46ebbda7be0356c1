/** Returns the fields of a query about a third-party network, without the parameters that authenticate the request. */
export function fieldsIn(query: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  const fields = Object.entries(query).filter(([name]) => name !== 'access_token' && name !== 'user_id');
  return Object.fromEntries(fields.map(([name, [first = '']]) => [name, first]));
}
