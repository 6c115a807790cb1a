"""Creates the user pool, its domain and the table of a synthesized template, through the API and with nothing left out.

    provision.py TEMPLATE ENDPOINT [FOLDER]

TEMPLATE is `cdk.out/turnpike-data.template.json`, ENDPOINT an emulator such as http://127.0.0.1:4566. Prints as JSON what the
programs' configuration needs, and writes it to FOLDER if one is named: `gateway.toml` for the gateway, which knows nothing of the
pool, and `services.toml` for all others. A property that is not known here is an error: what is tested is what is deployed.
"""

import json
import os
import sys

import boto3

REGION = os.environ.get("AWS_REGION", "eu-west-1")


class Client:
    """Clients of one endpoint. An emulator takes any credentials; those of the environment count if there are some."""

    def __init__(self, endpoint):
        self.options = {"endpoint_url": endpoint, "region_name": REGION}
        if "AWS_ACCESS_KEY_ID" not in os.environ:
            self.options |= {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.cognito = boto3.client("cognito-idp", **self.options)
        self.dynamodb = boto3.client("dynamodb", **self.options)


def main(template_path, endpoint, folder=None):
    with open(template_path, encoding="utf-8") as file:
        resources = json.load(file)["Resources"]
    client = Client(endpoint)
    pool_id = create_pool(client, only(resources, "AWS::Cognito::UserPool"))
    domain = create_domain(client, only(resources, "AWS::Cognito::UserPoolDomain"), pool_id)
    table = create_table(client, only(resources, "AWS::DynamoDB::Table"))
    unknown = {r["Type"] for r in resources.values()} - HANDLED
    if unknown:
        sys.exit(f"nothing here creates {', '.join(sorted(unknown))}")
    base = endpoint.rstrip("/")
    made = {
        "domain": domain,
        "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool_id}",
        "jwks_uri": f"{base}/{pool_id}/.well-known/jwks.json",
        "region": REGION,
        "table": table,
        "token_endpoint": f"{base}/oauth2/token",
        "user_pool_id": pool_id,
    }
    print(json.dumps(made))
    if folder is not None:
        write_configuration(folder, base, made)


def write_configuration(folder, endpoint, made):
    store = {"kind": "dynamodb", "table": made["table"], "region": REGION, "endpoint_url": endpoint}
    server = {
        "kind": "cognito",
        "user_pool_id": made["user_pool_id"],
        "region": REGION,
        "endpoint_url": endpoint,
        "insecure_http": endpoint.startswith("http://"),
        "issuer": made["issuer"],
        "jwks_uri": made["jwks_uri"],
        "token_endpoint": made["token_endpoint"],
        # This emulator takes no chosen values.
        "secrets": "generated",
    }
    write_toml(os.path.join(folder, "gateway.toml"), {"store": store})
    write_toml(os.path.join(folder, "services.toml"), {"store": store, "authorization_server": server})


def write_toml(path, sections):
    with open(path, "w", encoding="utf-8") as file:
        for section, keys in sections.items():
            file.write(f"[{section}]\n")
            # A text, a number and a truth value of JSON are those of TOML.
            file.writelines(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


HANDLED = {"AWS::Cognito::UserPool", "AWS::Cognito::UserPoolDomain", "AWS::DynamoDB::Table"}


def only(resources, kind):
    """The properties of the one resource of this kind."""
    found = [r for r in resources.values() if r["Type"] == kind]
    if len(found) != 1:
        sys.exit(f"the template has {len(found)} {kind}, not one")
    return dict(found[0]["Properties"])


def create_pool(client, properties):
    name = properties.pop("UserPoolName")
    mfa, factors = properties.pop("MfaConfiguration"), properties.pop("EnabledMfas")
    # Under the same names in CreateUserPool; boto3 refuses what the API does not know.
    same = {
        key: properties.pop(key)
        for key in (
            "AccountRecoverySetting",
            "AdminCreateUserConfig",
            "DeletionProtection",
            "EmailVerificationMessage",
            "EmailVerificationSubject",
            "Policies",
            "SmsVerificationMessage",
            "UserPoolTags",
            "UserPoolTier",
            "VerificationMessageTemplate",
        )
        if key in properties
    }
    nothing_left("the pool", properties)
    pool = client.cognito.create_user_pool(PoolName=name, **same)["UserPool"]
    if factors != ["SOFTWARE_TOKEN_MFA"]:
        sys.exit(f"nothing here sets the factors {factors}")
    client.cognito.set_user_pool_mfa_config(
        UserPoolId=pool["Id"],
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration=mfa,
    )
    holds("the pool", same, client.cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"])
    return pool["Id"]


def create_domain(client, properties, pool_id):
    domain = properties.pop("Domain")
    properties.pop("UserPoolId")
    nothing_left("the domain", properties)
    client.cognito.create_user_pool_domain(Domain=domain, UserPoolId=pool_id)
    described = client.cognito.describe_user_pool_domain(Domain=domain)["DomainDescription"]
    holds("the domain", {"UserPoolId": pool_id}, described)
    return domain


def create_table(client, properties):
    name = properties["TableName"]
    backups = properties.pop("PointInTimeRecoverySpecification")
    encryption = properties.pop("SSESpecification")
    client.dynamodb.create_table(SSESpecification={"Enabled": encryption.pop("SSEEnabled"), **encryption}, **properties)
    client.dynamodb.get_waiter("table_exists").wait(TableName=name)
    client.dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=backups)
    table = client.dynamodb.describe_table(TableName=name)["Table"]
    told = {key: properties[key] for key in ("KeySchema", "GlobalSecondaryIndexes", "DeletionProtectionEnabled")}
    holds("the table", told, table)
    recovery = client.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        sys.exit("the table has no point-in-time recovery")
    return name


def nothing_left(what, properties):
    if properties:
        sys.exit(f"nothing here sets {', '.join(sorted(properties))} of {what}")


def holds(what, told, found):
    """Whether everything that was told is there; more may be."""
    if isinstance(told, dict):
        for key, value in told.items():
            holds(f"{key} of {what}", value, found.get(key) if isinstance(found, dict) else None)
    elif isinstance(told, list):
        if not isinstance(found, list) or len(told) != len(found):
            sys.exit(f"{what}: told {told}, found {found}")
        for value, there in zip(told, found):
            holds(what, value, there)
    elif told != found:
        sys.exit(f"{what}: told {told}, found {found}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
