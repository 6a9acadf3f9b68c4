package infra

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// value is what a file says of a property.
type value struct {
	absent  bool // the provider's default holds
	unknown bool // it depends on what the file does not say
	texts   []string
	line    int
}

func (v value) text() string {
	if len(v.texts) == 0 {
		return ""
	}
	return v.texts[0]
}

func (v value) has(texts ...string) bool {
	for _, got := range v.texts {
		for _, t := range texts {
			if strings.EqualFold(got, t) {
				return true
			}
		}
	}
	return false
}

// What properties are held to. Of an unknown value nothing is said.
func notTrue(v value) bool  { return v.absent || !v.has("true") }
func isTrue(v value) bool   { return v.has("true") }
func isFalse(v value) bool  { return v.has("false") }
func isAbsent(v value) bool { return v.absent }
func isPublic(v value) bool {
	return v.has("public-read", "public-read-write", "authenticated-read", "PublicRead", "PublicReadWrite", "AuthenticatedRead")
}
func isAnyone(v value) bool {
	return v.has("*", "Internet", "any") || slices.ContainsFunc(v.texts, func(t string) bool { return strings.HasSuffix(t, "/0") })
}
func isHTTP(v value) bool    { return v.has("HTTP") }
func isMutable(v value) bool { return v.absent || v.has("MUTABLE") }
func isNone(v value) bool    { return v.absent || v.has("NONE") }
func isOldTLS(v value) bool {
	return v.has("TLS1_0", "TLS1_1", "TLSv1", "TLSv1.1", "TLSv1_2016", "TLSv1.1_2016", "SSLv3", "1.0", "1.1")
}
func allowsHTTP(v value) bool {
	return v.has("allow-all", "ALLOW_UNENCRYPTED_AND_ENCRYPTED", "ENCRYPTION_MODE_UNSPECIFIED")
}
func isPlaintext(v value) bool { return v.has("PLAINTEXT", "TLS_PLAINTEXT") }
func isOff(v value) bool       { return v.absent || v.has("OFF") }
func isZero(v value) bool      { return v.absent || v.has("0") }
func isPublicIP(v value) bool  { return v.has("true", "ENABLED") }
func notRequired(v value) bool { return v.absent || !v.has("required") }
func isLiteral(v value) bool   { return !v.absent && secretValue(v.text()) }

// underWeek reports whether backups are kept for less than seven days; absent is the provider's default.
func underWeek(v value) bool {
	days, err := strconv.Atoi(v.text())
	return v.absent || err == nil && days < 7
}

// demand is what a type of resource is held to.
type demand struct {
	terraform, cloudFormation string // types; empty where there is none
	tfAt, cfnAt               string // where the property is, by dots
	unless                    string // not asked where this Terraform or CloudFormation property is set
	fails                     func(value) bool
	rule                      supply.Rule
	message                   string
}

// demands are held from: AWS Well-Architected, Security Pillar; the Terraform providers' and CloudFormation's references for
// what a property means and its default.
func demands() []demand {
	return []demand{
		{"aws_db_instance", "AWS::RDS::DBInstance", "storage_encrypted", "StorageEncrypted", "replicate_source_db DBClusterIdentifier snapshot_identifier", notTrue, unencrypted(), "the database is not encrypted"},
		{"aws_db_instance", "AWS::RDS::DBInstance", "publicly_accessible", "PubliclyAccessible", "", isTrue, public(), "the database has a public address"},
		{"aws_db_instance", "AWS::RDS::DBInstance", "backup_retention_period", "BackupRetentionPeriod", "replicate_source_db DBClusterIdentifier", underWeek, noBackup(), "the database's backups are kept for less than a week"},
		{"aws_db_instance", "AWS::RDS::DBInstance", "deletion_protection", "DeletionProtection", "DBClusterIdentifier", notTrue, unprotected(), "the database can be deleted at once"},
		{"aws_db_instance", "", "skip_final_snapshot", "", "replicate_source_db", isTrue, noBackup(), "the database is deleted without a last snapshot"},
		{"aws_db_instance", "AWS::RDS::DBInstance", "password", "MasterUserPassword", "", isLiteral, literalSecret(), "the database's password is written out"},
		{"aws_rds_cluster", "AWS::RDS::DBCluster", "storage_encrypted", "StorageEncrypted", "snapshot_identifier", notTrue, unencrypted(), "the database is not encrypted"},
		{"aws_rds_cluster", "AWS::RDS::DBCluster", "backup_retention_period", "BackupRetentionPeriod", "", underWeek, noBackup(), "the database's backups are kept for less than a week"},
		{"aws_rds_cluster", "AWS::RDS::DBCluster", "master_password", "MasterUserPassword", "", isLiteral, literalSecret(), "the database's password is written out"},
		{"aws_rds_cluster", "AWS::RDS::DBCluster", "deletion_protection", "DeletionProtection", "", notTrue, unprotected(), "the database can be deleted at once"},
		{"aws_rds_cluster_instance", "", "publicly_accessible", "", "", isTrue, public(), "the database has a public address"},
		{"aws_docdb_cluster", "AWS::DocDB::DBCluster", "storage_encrypted", "StorageEncrypted", "", notTrue, unencrypted(), "the database is not encrypted"},
		{"aws_neptune_cluster", "AWS::Neptune::DBCluster", "storage_encrypted", "StorageEncrypted", "", notTrue, unencrypted(), "the database is not encrypted"},
		{"aws_redshift_cluster", "AWS::Redshift::Cluster", "encrypted", "Encrypted", "", notTrue, unencrypted(), "the warehouse is not encrypted"},
		{"aws_redshift_cluster", "AWS::Redshift::Cluster", "publicly_accessible", "PubliclyAccessible", "", isTrue, public(), "the warehouse has a public address"},
		{"aws_ebs_volume", "AWS::EC2::Volume", "encrypted", "Encrypted", "", notTrue, unencrypted(), "the volume is not encrypted"},
		{"aws_efs_file_system", "AWS::EFS::FileSystem", "encrypted", "Encrypted", "", notTrue, unencrypted(), "the file system is not encrypted"},
		{"aws_elasticache_replication_group", "AWS::ElastiCache::ReplicationGroup", "at_rest_encryption_enabled", "AtRestEncryptionEnabled", "", notTrue, unencrypted(), "the cache is not encrypted"},
		{"aws_elasticache_replication_group", "AWS::ElastiCache::ReplicationGroup", "transit_encryption_enabled", "TransitEncryptionEnabled", "", notTrue, noTLS(), "the cache is spoken to in the clear"},
		{"aws_kinesis_stream", "", "encryption_type", "", "", isNone, unencrypted(), "the stream is not encrypted"},
		{"aws_sns_topic", "AWS::SNS::Topic", "kms_master_key_id", "KmsMasterKeyId", "", isAbsent, unencrypted(), "the topic is not encrypted"},
		{"aws_dynamodb_table", "AWS::DynamoDB::Table", "point_in_time_recovery.enabled", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", "", notTrue, noBackup(), "the table cannot be brought back to an earlier time"},
		{"aws_dynamodb_table", "AWS::DynamoDB::Table", "server_side_encryption.enabled", "SSESpecification.SSEEnabled", "", notTrue, ownKey(), "the table is under the provider's key"},
		{"aws_s3_bucket", "AWS::S3::Bucket", "acl", "AccessControl", "", isPublic, public(), "everybody may read the bucket"},
		{"aws_s3_bucket_acl", "", "acl", "", "", isPublic, public(), "everybody may read the bucket"},
		{"aws_s3_bucket_public_access_block", "AWS::S3::Bucket", "block_public_acls", "PublicAccessBlockConfiguration.BlockPublicAcls", "", isFalse, public(), "the bucket may be made public"},
		{"aws_s3_bucket_public_access_block", "AWS::S3::Bucket", "block_public_policy", "PublicAccessBlockConfiguration.BlockPublicPolicy", "", isFalse, public(), "the bucket may be made public"},
		{"aws_s3_bucket_public_access_block", "AWS::S3::Bucket", "restrict_public_buckets", "PublicAccessBlockConfiguration.RestrictPublicBuckets", "", isFalse, public(), "the bucket may be made public"},
		{"", "AWS::S3::Bucket", "", "VersioningConfiguration.Status", "", func(v value) bool { return v.absent || !v.has("Enabled") }, noBackup(), "the bucket keeps no versions"},
		{"", "AWS::S3::Bucket", "", "BucketEncryption", "", isAbsent, ownKey(), "the bucket is under the provider's key"},
		{"aws_kms_key", "AWS::KMS::Key", "enable_key_rotation", "EnableKeyRotation", "customer_master_key_spec", notTrue, noRotation(), "the key is never changed"},
		{"aws_cloudtrail", "AWS::CloudTrail::Trail", "is_multi_region_trail", "IsMultiRegionTrail", "", notTrue, noTrail(), "the trail leaves out other regions"},
		{"aws_cloudtrail", "AWS::CloudTrail::Trail", "enable_log_file_validation", "EnableLogFileValidation", "", notTrue, noTrail(), "a changed trail would not be noticed"},
		{"aws_cloudtrail", "AWS::CloudTrail::Trail", "kms_key_id", "KMSKeyId", "", isAbsent, ownKey(), "the trail is under the provider's key"},
		{"aws_instance", "", "metadata_options.http_tokens", "", "", notRequired, metadataService(), "the machine's metadata service takes requests without a token"},
		{"aws_launch_template", "AWS::EC2::LaunchTemplate", "metadata_options.http_tokens", "LaunchTemplateData.MetadataOptions.HttpTokens", "", notRequired, metadataService(), "the machines' metadata service takes requests without a token"},
		{"aws_instance", "", "associate_public_ip_address", "", "", isTrue, publicSubnet(), "the machine has a public address"},
		{"aws_instance", "", "root_block_device.encrypted", "", "", notTrue, unencrypted(), "the machine's disk is not encrypted"},
		{"aws_subnet", "AWS::EC2::Subnet", "map_public_ip_on_launch", "MapPublicIpOnLaunch", "", isTrue, publicSubnet(), "machines in the subnet get public addresses"},
		{"aws_lb_listener", "AWS::ElasticLoadBalancingV2::Listener", "protocol", "Protocol", "default_action.redirect", isHTTP, noTLS(), "the load balancer takes plain HTTP"},
		{"aws_cloudfront_distribution", "AWS::CloudFront::Distribution", "default_cache_behavior.viewer_protocol_policy", "DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy", "", allowsHTTP, noTLS(), "plain HTTP is answered"},
		{"aws_ecr_repository", "AWS::ECR::Repository", "image_tag_mutability", "ImageTagMutability", "", isMutable, mutableTags(), "tags of images can be moved"},
		{"aws_eks_cluster", "", "vpc_config.endpoint_public_access", "", "vpc_config.public_access_cidrs", notFalse, publicSubnet(), "the cluster's API is open to the internet"},
		{"aws_elasticsearch_domain", "AWS::Elasticsearch::Domain", "encrypt_at_rest.enabled", "EncryptionAtRestOptions.Enabled", "", notTrue, unencrypted(), "the index is not encrypted"},
		{"aws_elasticsearch_domain", "AWS::Elasticsearch::Domain", "node_to_node_encryption.enabled", "NodeToNodeEncryptionOptions.Enabled", "", notTrue, noTLS(), "its nodes speak in the clear"},
		{"aws_elasticsearch_domain", "AWS::Elasticsearch::Domain", "domain_endpoint_options.enforce_https", "DomainEndpointOptions.EnforceHTTPS", "", notTrue, noTLS(), "plain HTTP is answered"},
		{"aws_opensearch_domain", "AWS::OpenSearchService::Domain", "encrypt_at_rest.enabled", "EncryptionAtRestOptions.Enabled", "", notTrue, unencrypted(), "the index is not encrypted"},
		{"aws_opensearch_domain", "AWS::OpenSearchService::Domain", "node_to_node_encryption.enabled", "NodeToNodeEncryptionOptions.Enabled", "", notTrue, noTLS(), "its nodes speak in the clear"},
		{"aws_opensearch_domain", "AWS::OpenSearchService::Domain", "domain_endpoint_options.enforce_https", "DomainEndpointOptions.EnforceHTTPS", "", notTrue, noTLS(), "plain HTTP is answered"},
		{"aws_dax_cluster", "AWS::DAX::Cluster", "server_side_encryption.enabled", "SSESpecification.SSEEnabled", "", notTrue, unencrypted(), "the cache is not encrypted"},
		{"aws_athena_database", "", "encryption_configuration", "", "", isAbsent, unencrypted(), "the results of queries are not encrypted"},
		{"aws_athena_workgroup", "AWS::Athena::WorkGroup", "configuration.result_configuration.encryption_configuration", "WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration", "", isAbsent, unencrypted(), "the results of queries are not encrypted"},
		{"aws_workspaces_workspace", "AWS::WorkSpaces::Workspace", "root_volume_encryption_enabled", "RootVolumeEncryptionEnabled", "", notTrue, unencrypted(), "the desktop's disk is not encrypted"},
		{"aws_workspaces_workspace", "AWS::WorkSpaces::Workspace", "user_volume_encryption_enabled", "UserVolumeEncryptionEnabled", "", notTrue, unencrypted(), "the user's disk is not encrypted"},
		{"aws_msk_cluster", "AWS::MSK::Cluster", "encryption_info.encryption_in_transit.client_broker", "EncryptionInfo.EncryptionInTransit.ClientBroker", "", isPlaintext, noTLS(), "the queue is spoken to in the clear"},
		{"aws_msk_cluster", "AWS::MSK::Cluster", "encryption_info.encryption_in_transit.in_cluster", "EncryptionInfo.EncryptionInTransit.InCluster", "", isFalse, noTLS(), "its nodes speak in the clear"},
		{"aws_sqs_queue", "AWS::SQS::Queue", "sqs_managed_sse_enabled", "SqsManagedSseEnabled", "kms_master_key_id KmsMasterKeyId", isFalse, unencrypted(), "the queue is not encrypted"},
		{"aws_mq_broker", "AWS::AmazonMQ::Broker", "publicly_accessible", "PubliclyAccessible", "", isTrue, public(), "the queue has a public address"},
		{"aws_dms_replication_instance", "AWS::DMS::ReplicationInstance", "publicly_accessible", "PubliclyAccessible", "", isTrue, public(), "what copies databases has a public address"},
		{"aws_neptune_cluster_instance", "", "publicly_accessible", "", "", isTrue, public(), "the database has a public address"},
		{"aws_elasticache_cluster", "AWS::ElastiCache::CacheCluster", "snapshot_retention_limit", "SnapshotRetentionLimit", "replication_group_id", isZero, noBackup(), "the cache has no backups"},
		{"aws_cloudwatch_log_group", "AWS::Logs::LogGroup", "kms_key_id", "KmsKeyId", "", isAbsent, ownKey(), "the logs are under the provider's key"},
		{"aws_secretsmanager_secret", "AWS::SecretsManager::Secret", "kms_key_id", "KmsKeyId", "", isAbsent, ownKey(), "the secret is under the provider's key"},
		{"aws_codebuild_project", "AWS::CodeBuild::Project", "encryption_key", "EncryptionKey", "", isAbsent, ownKey(), "what is built is under the provider's key"},
		{"aws_sagemaker_notebook_instance", "AWS::SageMaker::NotebookInstance", "kms_key_id", "KmsKeyId", "", isAbsent, ownKey(), "the notebook is under the provider's key"},
		{"aws_sagemaker_endpoint_configuration", "AWS::SageMaker::EndpointConfig", "kms_key_arn", "KmsKeyId", "", isAbsent, ownKey(), "the model's disk is under the provider's key"},
		{"aws_eks_cluster", "AWS::EKS::Cluster", "encryption_config", "EncryptionConfig", "", isAbsent, ownKey(), "the cluster's secrets are under the provider's key"},
		{"aws_eks_cluster", "AWS::EKS::Cluster", "vpc_config.public_access_cidrs", "ResourcesVpcConfig.PublicAccessCidrs", "", isAnyone, publicSubnet(), "the cluster's API is open to the internet"},
		{"aws_cloudtrail", "AWS::CloudTrail::Trail", "enable_logging", "IsLogging", "", isFalse, noTrail(), "the trail is switched off"},
		{"aws_cognito_user_pool", "AWS::Cognito::UserPool", "mfa_configuration", "MfaConfiguration", "", isOff, noSecondFactor(), "people sign in with a password alone"},
		{"aws_cloudfront_distribution", "AWS::CloudFront::Distribution", "viewer_certificate.minimum_protocol_version", "DistributionConfig.ViewerCertificate.MinimumProtocolVersion", "", isOldTLS, noTLS(), "old TLS is answered"},
		{"aws_lambda_permission", "AWS::Lambda::Permission", "principal", "Principal", "source_arn source_account SourceArn SourceAccount", isAnyone, anonymousRights(), "everybody may call the function"},
		{"aws_ecs_service", "AWS::ECS::Service", "network_configuration.assign_public_ip", "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp", "", isPublicIP, publicSubnet(), "its tasks have public addresses"},
		{"aws_launch_configuration", "AWS::AutoScaling::LaunchConfiguration", "associate_public_ip_address", "AssociatePublicIpAddress", "", isTrue, publicSubnet(), "the machines have public addresses"},
		{"aws_launch_configuration", "", "root_block_device.encrypted", "", "", notTrue, unencrypted(), "the machines' disks are not encrypted"},
		{"aws_s3_bucket_public_access_block", "AWS::S3::Bucket", "ignore_public_acls", "PublicAccessBlockConfiguration.IgnorePublicAcls", "", isFalse, public(), "the bucket may be made public"},
		{"azurerm_storage_account", "", "min_tls_version", "", "", isOldTLS, noTLS(), "the account takes old TLS"},
		{"azurerm_storage_account", "", "https_traffic_only_enabled", "", "", isFalse, noTLS(), "the account takes plain HTTP"},
		{"azurerm_storage_account", "", "allow_nested_items_to_be_public", "", "", isTrue, public(), "containers may be made public"},
		{"azurerm_postgresql_server", "", "ssl_enforcement_enabled", "", "", isFalse, noTLS(), "the database is spoken to in the clear"},
		{"azurerm_mssql_server", "", "minimum_tls_version", "", "", isOldTLS, noTLS(), "the database takes old TLS"},
		{"azurerm_mssql_server", "", "public_network_access_enabled", "", "", isTrue, public(), "the database is reached from the internet"},
		{"azurerm_key_vault", "", "purge_protection_enabled", "", "", notTrue, unprotected(), "keys can be deleted for good at once"},
		{"google_sql_database_instance", "", "settings.backup_configuration.enabled", "", "master_instance_name", notTrue, noBackup(), "the database has no backups"},
		{"google_sql_database_instance", "", "settings.ip_configuration.ssl_mode", "", "settings.ip_configuration.require_ssl", func(v value) bool { return v.absent || allowsHTTP(v) }, noTLS(), "the database is spoken to in the clear"},
		{"google_sql_database_instance", "", "settings.ip_configuration.ipv4_enabled", "", "", notFalse, public(), "the database has a public address"},
		{"google_storage_bucket", "", "uniform_bucket_level_access", "", "", notTrue, ownAccess(), "rights to single objects go past those of the bucket"},
		{"google_storage_bucket_iam_member", "", "member", "", "", func(v value) bool { return v.has("allUsers", "allAuthenticatedUsers") }, public(), "everybody may reach the bucket"},
	}
}

func notFalse(v value) bool { return v.absent || !v.has("false") }

func ownAccess() supply.Rule {
	return rule("object-rights", "Rights to objects go past those of the bucket", supply.Medium, "CWE-284", accessControl, "Turn uniform access on.")
}

// resource is something that a file asks a provider for.
type resource struct {
	file *finder
	kind string
	name string
	line int
	get  func(at string) value // by dots; what is absent says so
}

// hold holds a resource to what is asked of its type.
func hold(r resource, all []demand) {
	for _, d := range all {
		kind, at := d.terraform, d.tfAt
		if strings.HasPrefix(r.kind, "AWS::") {
			kind, at = d.cloudFormation, d.cfnAt
		}
		if kind != r.kind || at == "" || excepted(r, d.unless) {
			continue
		}
		if v := r.get(at); !v.unknown && d.fails(v) {
			r.file.Add(d.rule, max(r.line, v.line), "%s: %s", r.name, d.message)
		}
	}
}

func excepted(r resource, unless string) bool {
	for _, at := range strings.Fields(unless) {
		if !r.get(at).absent {
			return true
		}
	}
	return false
}

// statement is one of an IAM policy, or of a policy that a resource bears itself.
type statement struct {
	effect             string
	actions, resources value
	principals         value // absent in IAM's own
	conditional        bool
}

// judge says what a statement gives too much of.
func (s statement) judge(f *finder, line int) {
	if !strings.EqualFold(s.effect, "Allow") || s.actions.unknown {
		return
	}
	if !s.principals.unknown && s.principals.has("*") && !s.conditional {
		f.Add(anonymousRights(), line, "the policy allows everybody %s", strings.Join(s.actions.texts, ", "))
	}
	if s.resources.unknown || !s.resources.has("*") {
		return
	}
	for _, a := range s.actions.texts {
		if a == "*" || a == "*:*" || strings.HasSuffix(a, ":*") {
			f.Add(clusterWide(), line, "the policy allows %s on everything", a)
			return
		}
	}
	for _, a := range s.actions.texts {
		if escalates(a) && !s.conditional {
			f.Add(escalation(), line, "by %s on everything, whoever has the policy can give himself more", a)
			return
		}
	}
}

// escalates reports whether an action on every resource lets its holder act with more rights than he has: by changing who
// may do what, by acting as another, or by changing what runs with another's rights. After the lists of AWS's own guide
// (IAM best practices: permissions boundaries) and what the actions mean.
func escalates(action string) bool {
	switch strings.ToLower(action) {
	case "iam:passrole", "iam:createpolicyversion", "iam:setdefaultpolicyversion", "iam:attachuserpolicy", "iam:attachgrouppolicy", "iam:attachrolepolicy",
		"iam:putuserpolicy", "iam:putgrouppolicy", "iam:putrolepolicy", "iam:addusertogroup", "iam:createaccesskey", "iam:createloginprofile",
		"iam:updateloginprofile", "iam:updateassumerolepolicy", "sts:assumerole", "lambda:updatefunctioncode", "glue:updatedevendpoint":
		return true
	}
	return false
}

// opening is a way in from a network.
type opening struct {
	from     value
	low, top value
	protocol string
}

// judge says whether the way in is open to everybody, beyond the web's own ports.
func (o opening) judge(f *finder, line int) {
	if o.from.unknown || o.low.unknown || !isAnyone(o.from) {
		return
	}
	if o.low.has("443", "80") && (o.top.absent || o.top.text() == o.low.text()) {
		return
	}
	ports := o.low.text()
	if o.top.text() != ports && !o.top.absent {
		ports += "-" + o.top.text()
	}
	if o.protocol == "-1" || o.low.absent {
		ports = "every port"
	}
	f.Add(openNetwork(), line, "the whole internet reaches %s", ports)
}
