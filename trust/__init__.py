"""Trust in images: policies, and what verifications found."""
