"""Renewal: who renews ECR tokens outside of `pulumi up`, from which document, at what times, with which rights."""

__all__: list[str] = []
