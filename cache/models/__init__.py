"""What is known of the build cache."""

from cache.models.explanation import Explanation, StepReason

__all__ = ["Explanation", "StepReason"]
