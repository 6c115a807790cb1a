/** What must outlive everything else: the user pool and the table. */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import * as cognito from "aws-cdk-lib/aws-cognito";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";

import { acknowledge } from "./acknowledge.js";
import type { Settings } from "./settings.js";
import { tableLayout } from "./table-layout.js";

/** A user pool, and where its parts are. The issuer and its keys are said, never derived by the programs. */
export interface Pool {
  readonly id: string;
  readonly arn: string;
  readonly issuer: string;
  readonly jwksUri: string;
  readonly tokenEndpoint: string;
}

export class DataStack extends Stack {
  readonly pool: Pool;
  readonly table: dynamodb.ITable;

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    this.pool = this.userPool(settings);
    this.table = this.registry(settings);
    // What configures processes that run elsewhere.
    const { id: UserPoolId, issuer: Issuer, jwksUri: JwksUri, tokenEndpoint: TokenEndpoint } = this.pool;
    const outputs = { UserPoolId, Issuer, JwksUri, TokenEndpoint, TableName: this.table.tableName };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  private userPool({ userPool, installation }: Settings): Pool {
    if ("existingUserPoolId" in userPool) {
      return this.describe(userPool.existingUserPoolId, userPool.tokenEndpoint);
    }
    const pool = new cognito.UserPool(this, "UserPool", {
      userPoolName: installation,
      featurePlan: cognito.FeaturePlan.ESSENTIALS,
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      // It is for machines. Nobody signs in; should an administrator ever make a user, these hold.
      selfSignUpEnabled: false,
      accountRecovery: cognito.AccountRecovery.NONE,
      mfa: cognito.Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 32,
        requireDigits: true,
        requireLowercase: true,
        requireSymbols: true,
        requireUppercase: true,
      },
    });
    acknowledge(pool, "AwsSolutions-COG8", "what the Plus plan adds is for people who sign in; there are none");
    pool.addDomain("Domain", { cognitoDomain: { domainPrefix: userPool.domainPrefix } });
    const host = `${userPool.domainPrefix}.auth.${this.region}.amazoncognito.com`;
    return this.describe(pool.userPoolId, `https://${host}/oauth2/token`);
  }

  private describe(id: string, tokenEndpoint: string): Pool {
    const issuer = `https://cognito-idp.${this.region}.amazonaws.com/${id}`;
    return {
      id,
      arn: this.formatArn({ service: "cognito-idp", resource: "userpool", resourceName: id }),
      issuer,
      jwksUri: `${issuer}/.well-known/jwks.json`,
      tokenEndpoint,
    };
  }

  private registry({ installation, existingTable }: Settings): dynamodb.ITable {
    if (existingTable !== undefined) return dynamodb.Table.fromTableName(this, "Table", existingTable);
    const string = (name: string) => ({ name, type: dynamodb.AttributeType.STRING });
    const { key, indexes } = tableLayout;
    const table = new dynamodb.Table(this, "Table", {
      tableName: installation,
      partitionKey: string(key.partition),
      sortKey: string(key.sort),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: {
        pointInTimeRecoveryEnabled: true,
        recoveryPeriodInDays: 35,
      },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      // A key of ours that AWS manages: each use of it is in CloudTrail.
      encryption: dynamodb.TableEncryption.AWS_MANAGED,
    });
    for (const { name, partition, sort } of indexes) {
      table.addGlobalSecondaryIndex({
        indexName: name,
        partitionKey: string(partition),
        sortKey: string(sort),
        projectionType: dynamodb.ProjectionType.ALL,
      });
    }
    return table;
  }
}
