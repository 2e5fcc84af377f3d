"""Service Quotas' list of what is applied, which moto has not: a few quotas with the values of a new account."""

import json

from moto.servicequotas.responses import ServiceQuotasResponse

QUOTAS = {
    "ec2": {
        "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5.0, True),
        "L-DB2E81BA": ("Running On-Demand G and VT instances", 0.0, True),
        "L-417A185B": ("Running On-Demand P instances", 0.0, True),
        "L-34B43A08": ("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5.0, True),
        "L-3819A6DF": ("All G and VT Spot Instance Requests", 0.0, True),
        "L-7212CCBC": ("All P Spot Instance Requests", 0.0, True),
        "L-0263D0A3": ("EC2-VPC Elastic IPs", 5.0, True),
    },
    "ebs": {
        "L-7A658B76": ("Storage for General Purpose SSD (gp3) volumes, in TiB", 50.0, True),
        "L-309BACF6": ("Snapshots per Region", 100000.0, True),
        "L-3A0E616D": ("In-progress snapshot archives per account", 25.0, False),
    },
    "autoscaling": {"L-CDE20ADC": ("Auto Scaling groups per region", 500.0, True)},
    "elasticloadbalancing": {
        "L-53DA6B97": ("Application Load Balancers per Region", 50.0, True),
        "L-69A177A2": ("Network Load Balancers per Region", 50.0, False),
        "L-B22855CB": ("Target Groups per Region", 3000.0, True),
    },
}
"""By service and code: the name, the value, and whether it can be raised. AWS leaves some out too: here those of io2."""

LARGEST_PAGE = 100


def install():
    """Put it into moto, once for the process."""
    ServiceQuotasResponse.list_service_quotas = _list


def _list(self):
    asked = json.loads(self.body)
    listed = list(QUOTAS.get(asked["ServiceCode"], {}).items())
    size, start = min(asked.get("MaxResults", LARGEST_PAGE), SMALL_PAGE), int(asked.get("NextToken") or 0)
    found = [_quota(asked["ServiceCode"], *item) for item in listed[start : start + size]]
    more = {"NextToken": str(start + size)} if start + size < len(listed) else {}
    return json.dumps({"Quotas": found, **more})


SMALL_PAGE = 4
"""Pages are always cut, so that whoever reads one alone misses something."""


def _quota(service, code, told):
    name, value, adjustable = told
    return {"ServiceCode": service, "QuotaCode": code, "QuotaName": name, "Value": value, "Adjustable": adjustable}
