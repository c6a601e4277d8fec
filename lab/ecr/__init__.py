"""ECR on one machine: the API that hands out tokens, and registries that take them.

One process (`python -m lab.ecr --config FILE`) serves, each on a loopback port of its own:

    api        the ECR, ECR Public and STS APIs: moto's, but with authorization tokens that tell the truth
    front      one per registry host: checks the token as ECR does, then passes the request on to docker-registry
    control    for tests and the lab's command: calls, issued tokens, faults, the lifetime of tokens (see `client`)

What this ECR does not model is repository permissions: a live token opens every registry of its region.
"""
