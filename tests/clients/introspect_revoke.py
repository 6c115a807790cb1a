"""Introspects a token, revokes it, and introspects it again with Authlib.

Environment: BASE_URL, TOKEN; API_ID and API_SECRET (a resource server, which introspects); CLIENT_ID and CLIENT_SECRET (the
token's client, which revokes); LAG, the seconds that a revocation may take. Prints the two introspection answers and the status of the revocation as JSON.
"""

import json
import os
import time

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the tests' server is plain HTTP on loopback

from authlib.integrations.requests_client import OAuth2Session

base, token = os.environ["BASE_URL"], os.environ["TOKEN"]
api = OAuth2Session(os.environ["API_ID"], os.environ["API_SECRET"])
client = OAuth2Session(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])

before = api.introspect_token(f"{base}/oauth2/introspect", token=token)
revoked = client.revoke_token(f"{base}/oauth2/revoke", token=token)
time.sleep(float(os.environ["LAG"]))
after = api.introspect_token(f"{base}/oauth2/introspect", token=token)
print(json.dumps({"before": before.json(), "revoked": revoked.status_code, "after": after.json()}))
