"""What runs on the other side: warm parents and replicas. The standard library alone, for it runs where cloudlayer is not.

The folder is copied beside the worker, under the name `cloudlayer_process`.
"""
