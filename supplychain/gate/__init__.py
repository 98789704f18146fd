"""Whether an image may ship: a policy is data, a verdict says why.

Pure: whoever has the evidence, a server or a command, judges alike.
"""
