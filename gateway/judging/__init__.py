"""The part of the way that needs neither the database nor the gateway's key: parse, verify the sender, judge.

It runs in processes of its own beside the intake (`processes`, `worker`), or in the intake itself (`inside`); both
ask the same `Examiner`, and the pipeline can't tell them apart.
"""
