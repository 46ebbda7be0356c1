import { forbidden, type MatrixError, missingParam, unauthorized } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asObject, asString, type JsonObject, member } from '@hearth/protocol/json/value.ts';
import type { RegistrationTokens } from '../registration/registration-tokens.ts';
import { namedUserId } from '../registration/usernames.ts';
import type { Stage } from './interactive-auth.ts';
import type { PasswordCheck } from './password-check.ts';

/** The stage that always succeeds (client-server API, "Dummy Auth"). */
export const dummyStage: Stage = { type: 'm.login.dummy', check: async () => undefined };

/** Returns the user that authentication data name: `identifier`, or `user` in its deprecated form. */
export function identifiedUser(data: JsonObject): string | undefined {
  const identifier = asObject(member(data, 'identifier'));
  if (identifier === undefined) return asString(member(data, 'user'));
  return member(identifier, 'type') === 'm.id.user' ? asString(member(identifier, 'user')) : undefined;
}

/**
 * Returns the stage that requires the password of the user who sends the request ("Password-based"). `from` is the
 * address of the request.
 */
export function passwordStage(passwords: PasswordCheck, server: ServerName, userId: string, from: string): Stage {
  const check = async (auth: JsonObject): Promise<MatrixError | undefined> => {
    const password = asString(member(auth, 'password'));
    if (password === undefined) return missingParam("Missing 'password' in the authentication data");
    const named = identifiedUser(auth);
    // A repeated attempt cannot succeed for another user.
    if (named !== undefined && namedUserId(named, server) !== userId)
      throw forbidden('The authentication data names another user');
    return (await passwords.isRight(userId, password, from)) ? undefined : forbidden('Wrong password');
  };
  return { type: 'm.login.password', check };
}

/** The name under which {@link registrationTokenStage} stores the token in the results. */
export const REGISTRATION_TOKEN = 'registration-token';

/** Returns the stage that requires a registration token ("Token-authenticated registration"). */
export function registrationTokenStage(tokens: RegistrationTokens): Stage {
  const check = async (auth: JsonObject, results: Map<string, unknown>): Promise<MatrixError | undefined> => {
    const token = asString(member(auth, 'token'));
    if (token === undefined) return missingParam("Missing 'token' in the authentication data");
    if (!(await tokens.isValid(token))) return unauthorized('The registration token is not valid');
    results.set(REGISTRATION_TOKEN, token);
    return undefined;
  };
  return { type: 'm.login.registration_token', check };
}
