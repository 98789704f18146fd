"""Whether images may ship: policies with their versions, and the verdicts they gave."""
