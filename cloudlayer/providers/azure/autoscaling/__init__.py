"""Autoscaling: virtual machine scale sets, flexible and uniform, with autoscale settings of Azure Monitor."""
