"""What drf-spectacular cannot see by itself."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer tokens."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "http", "scheme": "bearer"}


ERRORS = {
    "400": "The request is wrong; each error names the field.",
    "401": "No token, or one that does not work.",
    "403": "The token lacks the scope.",
    "404": "Not there, or not within your projects.",
    "405": "The method is not one of this address.",
    "409": "In conflict with what is stored.",
    "413": "The body is larger than this server takes.",
    "415": "A content type or encoding that is not taken.",
    "429": "Too many requests; `Retry-After` says when to come back.",
}

REFUSAL = {
    "type": "object",
    "description": "The one shape of all errors.",
    "required": ["type", "errors"],
    "properties": {
        "type": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail", "attr"],
                "properties": {
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                    "attr": {"type": "string", "nullable": True},
                },
            },
        },
    },
}


def describe_errors(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add to each operation the errors that any of them may answer with."""
    result["components"]["schemas"]["Refusal"] = REFUSAL
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            for code, sentence in ERRORS.items():
                error = {"description": sentence, "content": content}
                operation["responses"].setdefault(code, error)
    return result
