//! Which resources the permissions of each provider are for.
//!
//! The library says which permissions an action needs; here is on what. From AWS's action reference and service authorization
//! reference as of November 2026, by way of the providers' `resource_hint`s. What AWS authorizes on no resource of its own has
//! `*`, so that a permission that is missing here can be told from one that has no resource.
//!
//! A resource is an ARN with placeholders: `{partition}` and `{account}` of the pipeline's role, `{region}` of the action,
//! `{pipeline}`, and configuration keys. What is not known is `*`. After a key:
//!
//! | | gives |
//! | --- | --- |
//! | `{Key}` | its value; where that is an ARN, it stands for all up to here |
//! | `{Key\|name}` | its value, of an ARN the last part |
//! | `{Key\|each}` | one resource for each entry of a list |
//! | `{Key\|execution}` | a state machine's ARN as that of its executions |
//! | `{secrets}` | one resource for each secret in the action's environment |

/// What some permissions of some providers are for.
pub(super) struct Scope {
    /// Category and provider: `Build/CodeBuild`.
    pub(super) of: &'static [&'static str],
    pub(super) permissions: &'static [&'static str],
    pub(super) resources: &'static [&'static str],
    pub(super) when: When,
    pub(super) only: Only,
    /// Needed although the provider's permissions do not name it.
    pub(super) is_extra: bool,
}

/// When a scope applies; where the value is not known yet, it does.
#[derive(Clone, Copy)]
pub(super) enum When {
    Always,
    Has(&'static str),
    Lacks(&'static str),
    Is(&'static str, &'static str),
    IsNot(&'static str, &'static str),
    In(&'static str, &'static [&'static str]),
    All(&'static [When]),
}

/// The condition of a statement.
#[derive(Clone, Copy)]
pub(super) enum Only {
    Always,
    Equals(&'static str, &'static str),
    /// Instances with the tag that these two configuration keys say.
    Tagged(&'static str, &'static str),
}

impl Scope {
    const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    const fn only(mut self, only: Only) -> Self {
        self.only = only;
        self
    }

    const fn extra(mut self) -> Self {
        self.is_extra = true;
        self
    }
}

const fn scope(
    of: &'static [&'static str],
    permissions: &'static [&'static str],
    resources: &'static [&'static str],
) -> Scope {
    Scope {
        of,
        permissions,
        resources,
        when: When::Always,
        only: Only::Always,
        is_extra: false,
    }
}

/// Authorized on no resource of its own.
const ANY: &[&str] = &["*"];

const LOGS: &[&str] = &[
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/codepipeline/{pipeline}",
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/codepipeline/{pipeline}:*",
];

const CODEBUILD: &[&str] = &["Build/CodeBuild", "Test/CodeBuild", "Rule/CodeBuild"];
const PROJECT: &[&str] = &["arn:{partition}:codebuild:{region}:{account}:project/{ProjectName}"];

const IMAGES: &[&str] = &["Build/ECRBuildAndPublish"];
const STACK: &[&str] = &["Deploy/CloudFormation"];
const STACK_ARN: &[&str] = &["arn:{partition}:cloudformation:{region}:{account}:stack/{StackName}/*"];
const STACK_SETS: &[&str] = &["Deploy/CloudFormationStackSet", "Deploy/CloudFormationStackInstances"];
const CODEDEPLOY: &[&str] = &["Deploy/CodeDeploy", "Deploy/CodeDeployToECS"];
const DEVICE_FARM: &[&str] = &["Test/DeviceFarm"];
const EC2: &[&str] = &["Deploy/EC2"];
const ECS: &[&str] = &["Deploy/ECS", "Deploy/CodeDeployToECS"];
const LAMBDA: &[&str] = &["Deploy/Lambda"];
const OF_PRODUCT: &[&str] = &["Deploy/ServiceCatalog"];

const PUT: &[&str] = &[
    "s3:GetObjectTagging",
    "s3:GetObjectVersionTagging",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
];

const KEY_USE: &[&str] = &[
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];

pub(super) const SCOPES: &[Scope] = &[
    // Sources.
    scope(
        &["Source/CodeCommit"],
        &[
            "codecommit:CancelUploadArchive",
            "codecommit:GetBranch",
            "codecommit:GetCommit",
            "codecommit:GetUploadArchiveStatus",
            "codecommit:UploadArchive",
        ],
        &["arn:{partition}:codecommit:{region}:{account}:{RepositoryName}"],
    ),
    scope(
        &["Source/CodeCommit"],
        &["codecommit:GetRepository"],
        &["arn:{partition}:codecommit:{region}:{account}:{RepositoryName}"],
    )
    .when(When::Is("OutputArtifactFormat", "CODEBUILD_CLONE_REF")),
    scope(
        &["Source/CodeStarSourceConnection"],
        &["codeconnections:UseConnection"],
        &["{ConnectionArn}"],
    ),
    scope(
        &["Source/ECR"],
        &["ecr:DescribeImages"],
        &["arn:{partition}:ecr:{region}:{account}:repository/{RepositoryName}"],
    ),
    scope(
        &["Source/S3"],
        &["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"],
        &["arn:{partition}:s3:::{S3Bucket}"],
    ),
    scope(
        &["Source/S3"],
        &[
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
        ],
        &["arn:{partition}:s3:::{S3Bucket}/{S3ObjectKey}"],
    )
    .when(When::IsNot("AllowOverrideForS3ObjectKey", "true")),
    scope(
        &["Source/S3"],
        &[
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
        ],
        &["arn:{partition}:s3:::{S3Bucket}/*"],
    )
    .when(When::Is("AllowOverrideForS3ObjectKey", "true")),
    // Builds and tests.
    scope(
        CODEBUILD,
        &["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
        PROJECT,
    ),
    scope(
        CODEBUILD,
        &["codebuild:BatchGetBuildBatches", "codebuild:StartBuildBatch"],
        PROJECT,
    )
    .when(When::Is("BatchEnabled", "true")),
    scope(IMAGES, &["ecr:GetAuthorizationToken"], ANY).when(When::IsNot("RegistryType", "public")),
    scope(
        IMAGES,
        &[
            "ecr:DescribeRepositories",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload",
            "ecr:PutImage",
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchCheckLayerAvailability",
        ],
        &["arn:{partition}:ecr:{region}:{account}:repository/{ECRRepositoryName}"],
    )
    .when(When::IsNot("RegistryType", "public")),
    scope(
        IMAGES,
        &["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"],
        ANY,
    )
    .when(When::Is("RegistryType", "public")),
    scope(
        IMAGES,
        &[
            "ecr-public:DescribeRepositories",
            "ecr-public:InitiateLayerUpload",
            "ecr-public:UploadLayerPart",
            "ecr-public:CompleteLayerUpload",
            "ecr-public:PutImage",
            "ecr-public:BatchCheckLayerAvailability",
        ],
        &["arn:{partition}:ecr-public::{account}:repository/{ECRRepositoryName}"],
    )
    .when(When::Is("RegistryType", "public")),
    scope(DEVICE_FARM, &["devicefarm:ListProjects"], ANY),
    scope(
        DEVICE_FARM,
        &["devicefarm:ListDevicePools", "devicefarm:CreateUpload"],
        &["arn:{partition}:devicefarm:{region}:{account}:project:{ProjectId}"],
    ),
    scope(
        DEVICE_FARM,
        &["devicefarm:ScheduleRun"],
        &[
            "arn:{partition}:devicefarm:{region}:{account}:project:{ProjectId}",
            "arn:{partition}:devicefarm:{region}:{account}:upload:{ProjectId}/*",
            "{DevicePoolArn}",
        ],
    ),
    scope(
        DEVICE_FARM,
        &["devicefarm:GetUpload"],
        &["arn:{partition}:devicefarm:{region}:{account}:upload:{ProjectId}/*"],
    ),
    scope(
        DEVICE_FARM,
        &["devicefarm:GetRun"],
        &["arn:{partition}:devicefarm:{region}:{account}:run:{ProjectId}/*"],
    ),
    // Deployments.
    scope(
        &["Deploy/AppConfig"],
        &[
            "appconfig:StartDeployment",
            "appconfig:StopDeployment",
            "appconfig:GetDeployment",
        ],
        &[
            "arn:{partition}:appconfig:{region}:{account}:application/{Application}",
            "arn:{partition}:appconfig:{region}:{account}:application/{Application}/*",
            "arn:{partition}:appconfig:{region}:{account}:deploymentstrategy/{DeploymentStrategy}",
        ],
    ),
    scope(STACK, &["cloudformation:DescribeStacks"], STACK_ARN),
    scope(
        STACK,
        &[
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudformation:SetStackPolicy",
        ],
        STACK_ARN,
    )
    .when(When::In("ActionMode", &["CREATE_UPDATE", "REPLACE_ON_FAILURE"])),
    scope(STACK, &["cloudformation:DeleteStack"], STACK_ARN)
        .when(When::In("ActionMode", &["DELETE_ONLY", "REPLACE_ON_FAILURE"])),
    scope(STACK, &["cloudformation:DescribeStackEvents"], STACK_ARN).when(When::In(
        "ActionMode",
        &["CREATE_UPDATE", "REPLACE_ON_FAILURE", "DELETE_ONLY"],
    )),
    scope(
        STACK,
        &["cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"],
        STACK_ARN,
    )
    .when(When::Is("ActionMode", "CHANGE_SET_REPLACE")),
    scope(STACK, &["cloudformation:DescribeChangeSet"], STACK_ARN)
        .when(When::In("ActionMode", &["CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"])),
    scope(STACK, &["cloudformation:ExecuteChangeSet"], STACK_ARN).when(When::Is("ActionMode", "CHANGE_SET_EXECUTE")),
    scope(STACK, &["cloudformation:ValidateTemplate"], ANY).when(When::In(
        "ActionMode",
        &["CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE"],
    )),
    scope(STACK, &["iam:PassRole"], &["{RoleArn}"])
        .when(When::Has("RoleArn"))
        .only(Only::Equals("iam:PassedToService", "cloudformation.amazonaws.com")),
    scope(
        &["Deploy/CloudFormationStackSet"],
        &["cloudformation:CreateStackSet"],
        ANY,
    ),
    scope(
        STACK_SETS,
        &[
            "cloudformation:UpdateStackSet",
            "cloudformation:CreateStackInstances",
            "cloudformation:DescribeStackSetOperation",
            "cloudformation:DescribeStackSet",
            "cloudformation:ListStackInstances",
        ],
        &["arn:{partition}:cloudformation:{region}:{account}:stackset/{StackSetName}:*"],
    ),
    scope(
        &["Deploy/CloudFormationStackSet"],
        &["iam:PassRole"],
        &["{AdministrationRoleArn}"],
    )
    .when(When::Has("AdministrationRoleArn"))
    .only(Only::Equals("iam:PassedToService", "cloudformation.amazonaws.com"))
    .extra(),
    scope(
        CODEDEPLOY,
        &[
            "codedeploy:CreateDeployment",
            "codedeploy:GetDeployment",
            "codedeploy:GetDeploymentGroup",
            "codedeploy:ListDeployments",
        ],
        &["arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:{ApplicationName}/{DeploymentGroupName}"],
    ),
    scope(
        CODEDEPLOY,
        &[
            "codedeploy:GetApplication",
            "codedeploy:GetApplicationRevision",
            "codedeploy:ListDeploymentGroups",
            "codedeploy:RegisterApplicationRevision",
        ],
        &["arn:{partition}:codedeploy:{region}:{account}:application:{ApplicationName}"],
    ),
    scope(
        CODEDEPLOY,
        &["codedeploy:GetDeploymentConfig"],
        &["arn:{partition}:codedeploy:{region}:{account}:deploymentconfig:*"],
    ),
    scope(CODEDEPLOY, &["codedeploy:ListDeploymentConfigs"], ANY),
    scope(
        EC2,
        &[
            "ec2:DescribeInstances",
            "ssm:CancelCommand",
            "ssm:DescribeInstanceInformation",
            "ssm:ListCommandInvocations",
        ],
        ANY,
    ),
    scope(
        EC2,
        &[
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
        ],
        ANY,
    )
    .when(When::Has("TargetGroupNameList")),
    scope(
        EC2,
        &[
            "elasticloadbalancing:DeregisterTargets",
            "elasticloadbalancing:RegisterTargets",
        ],
        &["arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{TargetGroupNameList|each}/*"],
    )
    .when(When::Has("TargetGroupNameList")),
    scope(
        EC2,
        &["ssm:SendCommand"],
        &[
            "arn:{partition}:ssm:{region}::document/AWS-RunPowerShellScript",
            "arn:{partition}:ssm:{region}::document/AWS-RunShellScript",
        ],
    ),
    scope(
        EC2,
        &["ssm:SendCommand"],
        &["arn:{partition}:ec2:{region}:{account}:instance/*"],
    )
    .when(When::IsNot("InstanceType", "SSM_MANAGED_NODE"))
    .only(Only::Tagged("InstanceTagKey", "InstanceTagValue")),
    scope(
        EC2,
        &["ssm:SendCommand"],
        &["arn:{partition}:ssm:{region}:{account}:managed-instance/*"],
    )
    .when(When::Is("InstanceType", "SSM_MANAGED_NODE"))
    .only(Only::Tagged("InstanceTagKey", "InstanceTagValue")),
    scope(
        &["Deploy/ECS"],
        &["ecs:DescribeServices", "ecs:UpdateService"],
        &["arn:{partition}:ecs:{region}:{account}:service/{ClusterName|name}/{ServiceName|name}"],
    ),
    scope(ECS, &["ecs:DescribeTaskDefinition"], ANY),
    scope(
        ECS,
        &["ecs:RegisterTaskDefinition"],
        &["arn:{partition}:ecs:{region}:{account}:task-definition/*"],
    ),
    scope(
        ECS,
        &["ecs:TagResource"],
        &["arn:{partition}:ecs:{region}:{account}:task-definition/*"],
    )
    .only(Only::Equals("ecs:CreateAction", "RegisterTaskDefinition")),
    // The task definition in the artifact names the roles.
    scope(ECS, &["iam:PassRole"], &["arn:{partition}:iam::{account}:role/*"])
        .only(Only::Equals("iam:PassedToService", "ecs-tasks.amazonaws.com")),
    scope(
        &["Deploy/EKS"],
        &["eks:DescribeCluster"],
        &["arn:{partition}:eks:{region}:{account}:cluster/{ClusterName|name}"],
    ),
    scope(
        &["Deploy/EKS"],
        &[
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        ANY,
    ),
    // All that AWS says of it: whole services.
    scope(
        &["Deploy/ElasticBeanstalk"],
        &[
            "autoscaling:*",
            "cloudformation:*",
            "cloudwatch:*",
            "ec2:*",
            "ecs:*",
            "elasticbeanstalk:*",
            "elasticloadbalancing:*",
            "rds:*",
            "s3:*",
            "sns:*",
            "sqs:*",
        ],
        ANY,
    ),
    scope(
        LAMBDA,
        &[
            "lambda:GetAlias",
            "lambda:GetFunctionConfiguration",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:PublishVersion",
            "lambda:UpdateAlias",
            "lambda:UpdateFunctionCode",
        ],
        &[
            "arn:{partition}:lambda:{region}:{account}:function:{FunctionName}",
            "arn:{partition}:lambda:{region}:{account}:function:{FunctionName}:*",
        ],
    ),
    scope(
        LAMBDA,
        &["cloudwatch:DescribeAlarms"],
        &["arn:{partition}:cloudwatch:{region}:{account}:alarm:{Alarms|each}"],
    )
    .when(When::Has("Alarms")),
    scope(
        &["Deploy/OpsWorks"],
        &[
            "opsworks:CreateDeployment",
            "opsworks:DescribeApps",
            "opsworks:DescribeCommands",
            "opsworks:DescribeDeployments",
            "opsworks:DescribeInstances",
            "opsworks:DescribeStacks",
            "opsworks:UpdateApp",
            "opsworks:UpdateStack",
        ],
        &["arn:{partition}:opsworks:{region}:{account}:stack/{Stack}/"],
    ),
    scope(
        &["Deploy/S3"],
        &["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"],
        &["arn:{partition}:s3:::{BucketName}"],
    ),
    scope(&["Deploy/S3"], PUT, &["arn:{partition}:s3:::{BucketName}/*"])
        .when(When::All(&[When::Is("Extract", "true"), When::Lacks("ObjectKey")])),
    scope(
        &["Deploy/S3"],
        PUT,
        &["arn:{partition}:s3:::{BucketName}/{ObjectKey}/*"],
    )
    .when(When::All(&[When::Is("Extract", "true"), When::Has("ObjectKey")])),
    scope(&["Deploy/S3"], PUT, &["arn:{partition}:s3:::{BucketName}/{ObjectKey}"]).when(When::IsNot("Extract", "true")),
    scope(&["Deploy/S3"], KEY_USE, &["{KMSEncryptionKeyARN}"])
        .when(When::Has("KMSEncryptionKeyARN"))
        .extra(),
    scope(
        OF_PRODUCT,
        &[
            "servicecatalog:ListProvisioningArtifacts",
            "servicecatalog:CreateProvisioningArtifact",
            "servicecatalog:DescribeProvisioningArtifact",
            "servicecatalog:DeleteProvisioningArtifact",
            "servicecatalog:UpdateProduct",
        ],
        &["arn:{partition}:catalog:{region}:{account}:product/{ProductId}"],
    ),
    scope(OF_PRODUCT, &["cloudformation:ValidateTemplate"], ANY),
    // Approvals and invocations.
    scope(&["Approval/Manual"], &["sns:Publish"], &["{NotificationArn}"]).when(When::Has("NotificationArn")),
    scope(
        &["Invoke/CodePipeline"],
        &["codepipeline:StartPipelineExecution"],
        &["arn:{partition}:codepipeline:{region}:{account}:{PipelineName}"],
    ),
    scope(&["Invoke/InspectorScan"], &["inspector-scan:ScanSbom"], ANY),
    scope(
        &["Invoke/InspectorScan"],
        &[
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchGetImage",
            "ecr:BatchCheckLayerAvailability",
        ],
        &["arn:{partition}:ecr:{region}:{account}:repository/{ECRRepositoryName}"],
    )
    .when(When::Has("ECRRepositoryName")),
    scope(
        &["Invoke/Lambda", "Rule/LambdaInvoke"],
        &["lambda:InvokeFunction"],
        &["arn:{partition}:lambda:{region}:{account}:function:{FunctionName}"],
    ),
    scope(&["Invoke/Lambda"], &["lambda:ListFunctions"], ANY),
    scope(
        &["Invoke/StepFunctions"],
        &["states:DescribeStateMachine", "states:StartExecution"],
        &["{StateMachineArn}"],
    ),
    scope(
        &["Invoke/StepFunctions"],
        &["states:DescribeExecution"],
        &["{StateMachineArn|execution}:*"],
    ),
    // Commands, and rules.
    scope(
        &[
            "Build/ECRBuildAndPublish",
            "Compute/Commands",
            "Deploy/EC2",
            "Deploy/EKS",
            "Deploy/Lambda",
            "Invoke/InspectorScan",
            "Rule/Commands",
        ],
        &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        LOGS,
    ),
    scope(
        &["Compute/Commands"],
        &["secretsmanager:GetSecretValue"],
        &["{secrets}"],
    ),
    scope(
        &["Rule/CloudWatchAlarm"],
        &["cloudwatch:DescribeAlarms"],
        &["arn:{partition}:cloudwatch:{region}:{account}:alarm:{AlarmName}"],
    ),
];

/// What the artifact bucket's owner lets the pipeline's role do with a key.
pub(super) const ARTIFACT_KEY: &[&str] = KEY_USE;

/// On the artifact bucket itself.
pub(super) const ARTIFACT_BUCKET: &[&str] = &["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"];

/// On what lies in the artifact bucket.
pub(super) const ARTIFACTS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
];
