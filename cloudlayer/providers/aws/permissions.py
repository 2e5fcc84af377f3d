"""The least that IAM must allow. Every action stands here once; without boto3, since `cloudlayer iam` needs none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_PREFIXES: Final[Mapping[str, str]] = {
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
}
"""What IAM calls a service, where that is not boto3's name for it."""

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": ("sts:GetCallerIdentity", "servicequotas:ListServiceQuotas"),
    "Catalogue": (
        *("ec2:DescribeInstanceTypes", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeSpotPriceHistory"),
        *("ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeAvailabilityZones"),
        *("ssm:GetParameters", "pricing:GetProducts"),
    ),
    "Instances": (
        *("ec2:RunInstances", "ec2:TerminateInstances", "ec2:StartInstances", "ec2:StopInstances", "ec2:RebootInstances"),
        *("ec2:DescribeInstances", "ec2:ModifyInstanceAttribute", "ec2:GetConsoleOutput"),
        "ec2:DescribeSpotInstanceRequests",
        *("ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup", "ec2:AuthorizeSecurityGroupIngress"),
        *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        *("ec2:DescribeNetworkInterfaces", "ec2:ModifyNetworkInterfaceAttribute", "ec2:DeleteNetworkInterface"),
    ),
    "Volumes": (
        *("ec2:CreateVolume", "ec2:DeleteVolume", "ec2:DescribeVolumes", "ec2:AttachVolume", "ec2:DetachVolume"),
        *("ec2:ModifyVolume", "ec2:DescribeVolumesModifications"),
        *("ec2:CreateSnapshot", "ec2:DeleteSnapshot", "ec2:DescribeSnapshots"),
    ),
    "Groups": (
        *("autoscaling:CreateAutoScalingGroup", "autoscaling:UpdateAutoScalingGroup", "autoscaling:DeleteAutoScalingGroup"),
        *("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities", "autoscaling:SetDesiredCapacity"),
        *("autoscaling:PutScalingPolicy", "autoscaling:DeletePolicy", "autoscaling:DescribePolicies"),
        *("autoscaling:ExecutePolicy", "autoscaling:PutScheduledUpdateGroupAction", "autoscaling:DeleteScheduledAction"),
        *("autoscaling:DescribeScheduledActions", "autoscaling:StartInstanceRefresh", "autoscaling:CancelInstanceRefresh"),
        *("autoscaling:DescribeInstanceRefreshes", "autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"),
        *("autoscaling:AttachLoadBalancerTargetGroups", "autoscaling:DetachLoadBalancerTargetGroups"),
        "autoscaling:DescribeLoadBalancerTargetGroups",
        *("ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion"),
        *("ec2:DeleteLaunchTemplate", "ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions"),
        *("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"),
        "cloudwatch:ListTagsForResource",
    ),
    "Balancers": (
        *("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:DeleteLoadBalancer"),
        *("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:CreateListener"),
        *("elasticloadbalancing:DescribeListeners", "elasticloadbalancing:CreateTargetGroup"),
        *("elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DescribeTargetGroups"),
        *("elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:ModifyTargetGroupAttributes"),
        *("elasticloadbalancing:ModifyListener", "elasticloadbalancing:RegisterTargets"),
        *("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:DescribeTargetHealth"),
        *("elasticloadbalancing:DescribeTags", "elasticloadbalancing:RemoveTags"),
    ),
    "Tags": ("ec2:CreateTags", "ec2:DeleteTags", "elasticloadbalancing:AddTags", "cloudwatch:TagResource"),
}
"""What is called, by what it is called for. Tags are given with each create, which IAM counts as an action of its own."""

ROLES: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "Sid": "Profiles",
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "*",
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    },
    {
        "Sid": "FirstUse",
        "Effect": "Allow",
        "Action": "iam:CreateServiceLinkedRole",
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "iam:AWSServiceName": [
                    *("spot.amazonaws.com", "autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com")
                ]
            }
        },
    },
)
"""What AWS does in the caller's name: it hands an instance its profile, and makes a service's own role on its first use."""


def action(service: str, operation: str) -> str:
    """IAM's name for an operation, by boto3's names for it and its service."""
    prefix = _PREFIXES.get(service, service)
    return f"{prefix}:{''.join(part.capitalize() for part in operation.split('_'))}"


def policy() -> str:
    """The policy as IAM reads it, in JSON."""
    statements = [
        {"Sid": name, "Effect": "Allow", "Action": sorted(actions), "Resource": "*"} for name, actions in ACTIONS.items()
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, *ROLES]}, indent=2)
