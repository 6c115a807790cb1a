"""Bearer tokens at an HTTP API (RFC 6750), with PyJWT."""

import re
from typing import NamedTuple

import jwt

LEEWAY = 5  # seconds that the clocks of two machines may be apart

BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


class Refusal(Exception):
    """A request that is not let in: what to answer."""

    def __init__(self, status: int, error: str = "", more: str = "") -> None:
        super().__init__(error or status)
        self.status = status
        self.challenge = None
        if status != 503:  # which is not about the credentials
            self.challenge = 'Bearer realm="orders"' + (f', error="{error}"' if error else "") + more


class Caller(NamedTuple):
    client_id: str


class Verifier:
    """Accepts the tokens of one issuer. It asks nobody but the issuer's key set, so a token is good until it ends."""

    def __init__(self, issuer: str, jwks: str) -> None:
        self.issuer = issuer
        # Keeps the keys for five minutes, and looks for an unknown one at most every 30 seconds.
        self.keys = jwt.PyJWKClient(jwks, timeout=3)

    def authorize(self, headers: list[str], scope: str) -> Caller:
        """Who calls, by all `Authorization` headers of a request that needs a scope."""
        claims = self._verify(_token(headers))
        # The library checked the signature, the issuer, and the times; what kind of token it is, is ours to check.
        if claims["token_use"] != "access" or not _is_text(claims["client_id"]) or not isinstance(claims["scope"], str):
            raise Refusal(401, "invalid_token")
        if scope not in claims["scope"].split(" "):
            raise Refusal(403, "insufficient_scope", f', scope="{scope}"')
        return Caller(claims["client_id"])

    def _verify(self, token: str) -> dict:
        try:
            self.keys.get_signing_keys()  # from memory, as a rule
        except (jwt.PyJWTError, ValueError, OSError) as error:
            # Without keys nothing is known about the token.
            raise Refusal(503) from error
        try:
            return jwt.decode(
                token,
                self.keys.get_signing_key_from_jwt(token),
                algorithms=["RS256"],  # never what the token says: a key is for one algorithm
                issuer=self.issuer,
                leeway=LEEWAY,
                options={
                    "require": ["iss", "exp", "iat", "client_id", "token_use", "scope"],
                    # Turnpike's tokens, like Cognito's, have no `aud`: the scopes say for which API they are.
                    "verify_aud": False,
                },
            )
        except jwt.PyJWKClientConnectionError as error:  # while it looked for a key that is not among them
            raise Refusal(503) from error
        except (jwt.PyJWTError, ValueError) as error:
            raise Refusal(401, "invalid_token") from error


def _token(headers: list[str]) -> str:
    if not headers or not re.match("Bearer( |$)", headers[0], re.IGNORECASE):
        raise Refusal(401)
    match = BEARER.fullmatch(headers[0])
    if not match or len(headers) > 1:
        raise Refusal(400, "invalid_request")
    return match[1]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
